"""Whether signatures and buckets do what probability theory says, from pairs whose exact similarity is known.

P pairs, B bands of r rows, K = B r values of a signature, V of them kept; J is the Jaccard similarity of a pair.

A pair is a candidate because it shares a bucket, so everything here is conditional on that: a pair of which few bands
are expected to be equal and one is has a signature more alike than J says.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.dedup.cluster_statistics import NUM_TENTHS, Json, tenths_of
from operators.dedup.jaccard import jaccard
from operators.dedup.signature import num_kept_values
from pipeline.kernel import kernel

Floats = npt.NDArray[np.float64]

_DECIMALS: Final = 6


class Banding(NamedTuple):
    """How values make buckets."""

    num_bands: int
    rows_per_band: int

    @property
    def num_kept(self) -> int:
        """V: the values from which similarities are estimated."""
        return num_kept_values(self.num_bands * self.rows_per_band)


class Measured(NamedTuple):
    """What is known of P candidate pairs."""

    exact: Floats  # (P,) of the sets of shingles
    estimated: Floats  # (P,) the share of equal values
    shared_bands: npt.NDArray[np.int64]  # (P,)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Measured":
        """Some of the pairs."""
        return Measured(self.exact[chosen], self.estimated[chosen], self.shared_bands[chosen])


@kernel
def fill_similarities(
    values: npt.NDArray[np.uint32],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    ones: npt.NDArray[np.int64],
    others: npt.NDArray[np.int64],
    out: Floats,
) -> None:
    """Writes the exact similarity of each of P pairs of sets; set s is `values[starts[s]:ends[s]]`."""
    for pair in range(ones.shape[0]):
        one = np.uintp(ones[np.uintp(pair)])
        other = np.uintp(others[np.uintp(pair)])
        out[np.uintp(pair)] = jaccard(values[starts[one] : ends[one]], values[starts[other] : ends[other]])


def expected_shared_bands(exact: Floats, banding: Banding) -> Floats:
    """(P,) bands that a pair shares on average if it shares any: B J^r / (1 - (1 - J^r)^B).

    Bands are independent and each is equal with the probability J^r, so their number is binomial, without its zero.
    """
    equal = exact**banding.rows_per_band  # (P,) probability that a band is equal
    possible = (equal > 0) & (equal < 1)
    # Not the difference itself, which would lose a small probability beside 1.
    with np.errstate(divide="ignore", invalid="ignore"):
        any_equal = -np.expm1(banding.num_bands * np.log1p(-equal))
        expected = banding.num_bands * equal / any_equal
    # In the limit of no similarity a pair that meets does so once; equal sets share all bands.
    return np.where(possible, expected, np.where(equal > 0, float(banding.num_bands), 1.0))


def expected_estimates(exact: Floats, banding: Banding) -> Floats:
    """(P,) the average share of equal values of a pair that shares a band: of J or more.

    All values of an equal band are; those of another are as often as J, less the cases in which all r are:
    (J - J^r) / (1 - J^r).
    """
    equal = exact**banding.rows_per_band
    share = expected_shared_bands(exact, banding) / banding.num_bands  # (P,) of bands that are equal
    with np.errstate(divide="ignore", invalid="ignore"):
        elsewhere = np.where(equal < 1, (exact - equal) / (1 - equal), 1.0)
    return share + (1 - share) * elsewhere


def calibration(pairs: Measured, banding: Banding, verify_at: float | None) -> Json:
    """Exact similarities, what estimates err by and how often bands are shared, in all and by tenths of J."""
    tenths = tenths_of(pairs.exact)
    report: Json = {"values": banding.num_kept, **_summary(pairs, banding)}
    if verify_at is not None:
        above, estimated_above = pairs.exact >= verify_at, pairs.estimated >= verify_at
        report["verify_at"] = verify_at
        report["above_by_estimate_alone"] = int(np.count_nonzero(estimated_above & ~above))
        report["above_exactly_alone"] = int(np.count_nonzero(above & ~estimated_above))
    report["tenths"] = [
        {"from": tenth / NUM_TENTHS, "to": (tenth + 1) / NUM_TENTHS, **_summary(pairs.where(tenths == tenth), banding)}
        for tenth in range(NUM_TENTHS)
    ]
    return report


def _summary(pairs: Measured, banding: Banding) -> dict[str, int | float | None]:
    """Of some pairs: means, null where there are none."""
    errors = pairs.estimated - pairs.exact
    return {
        "pairs": len(pairs.exact),
        "exact": _mean(pairs.exact),
        "estimated": _mean(pairs.estimated),
        "bias": _mean(errors),
        "expected_bias": _mean(expected_estimates(pairs.exact, banding) - pairs.exact),
        "rmse": _root(_mean(errors**2)),
        "expected_rmse": _root(_mean(pairs.exact * (1 - pairs.exact) / banding.num_kept)),
        "shared_bands": _mean(pairs.shared_bands),
        "expected_shared_bands": _mean(expected_shared_bands(pairs.exact, banding)),
    }


def _mean(values: npt.NDArray[Any]) -> float | None:  # Any: counts or shares
    return round(float(values.mean()), _DECIMALS) if len(values) else None


def _root(value: float | None) -> float | None:
    return None if value is None else round(float(np.sqrt(value)), _DECIMALS)
