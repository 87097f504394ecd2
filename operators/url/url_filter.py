"""Block lists of domains and URLs, and banned words in URLs."""

from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from operators.url.block_list import contains, domain_set, name_hash, url_set, word_list
from operators.url.normal_form import parent_domains, split_url, words_of
from pipeline.operator import FileRef, FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet

LISTS: Final = ("domains", "urls", "strict_words", "hard_words", "soft_words")


class UrlFilter(RuleSet):
    """Keeps documents whose URL is on no block list and has no banned words.

    URLs and lists are compared in one spelling: without scheme, user, port, fragment, leading `www.` and slashes at the
    end, the host in lower case and in the form of the DNS.

    - `missing`: there is no URL. Off unless `drop_missing`.
    - `domain`: the host, or a domain above it, is listed. An entry blocks what it says: `co.uk` blocks all of it.
    - `url`: the URL is listed.
    - `strict_words`: how many of these words are part of the URL, once all but letters and digits is left out.
    - `hard_words`, `soft_words`: how many of these words are words of the URL: runs of letters and digits.

    Columns:
        Reads `url_column` (large_string; null or empty is missing). A value is a count; missing URLs have none.

    Determinism:
        EXACT.

    Raises:
        ValidationError: at construction, with nothing to judge by.
        StorageError: when opened, for a list with a line that is no entry, or that is not what was pinned.

    Source:
        RefinedWeb (Penedo et al. 2023, arXiv 2306.01116, appendix G.1): lists of domains, and words in three classes of
        which one strict or hard word, or two soft ones, drop a document; DCLM and FineWeb use the same. datatrove
        0.10.1 compares words of lists in lower case with words of the URL as they are; here both are in lower case.
        The project ships no list: many forbid it.

    Cost:
        10 to 20 microseconds a URL; a list of a million domains takes some seconds to read, once a worker. Memory:
        8 bytes an entry of `domains` and `urls`.
    """

    name: ClassVar[str] = "url_filter"

    url_column: str = "url"
    domains: tuple[FileRef, ...] = ()
    """Lists of domains: one a line, hosts files, or Adblock's `||HOST^`; also as `.gz`."""
    urls: tuple[FileRef, ...] = ()
    """Lists of URLs, one a line; also as `.gz`."""
    strict_words: tuple[FileRef, ...] = ()
    """Lists of words, one a line, that drop a document wherever in the URL they stand. In all lists of words, entries
    without an ASCII letter or digit match nothing."""
    hard_words: tuple[FileRef, ...] = ()
    """Lists of words that drop a document where they are a whole word."""
    soft_words: tuple[FileRef, ...] = ()
    """Lists of words that drop a document where more than `max_soft_words` of them are whole words."""
    max_soft_words: int = Field(default=1, ge=0)
    """Different soft words of a URL that is kept, at most; RefinedWeb's."""
    drop_missing: bool = False
    """Whether documents without a URL go."""

    @model_validator(mode="after")
    def _judges_something(self) -> Self:
        if not self.drop_missing and not any(getattr(self, name) for name in LISTS):
            raise ValueError(f"url_filter: expected a file in one of {list(LISTS)}, or drop_missing; found none")
        return self

    def measures(self) -> pa.Schema:
        """The URL."""
        return pa.schema([pa.field(self.url_column, pa.large_string())])

    def limits(self) -> tuple[Limit, ...]:
        """No hit; of soft words some."""
        return (
            Limit("missing", "max", 0 if self.drop_missing else None),
            Limit("domain", "max", 0 if self.domains else None),
            Limit("url", "max", 0 if self.urls else None),
            Limit("strict_words", "max", 0 if self.strict_words else None),
            Limit("hard_words", "max", 0 if self.hard_words else None),
            Limit("soft_words", "max", self.max_soft_words if self.soft_words else None),
        )

    def open_measure(self) -> MeasureFunction:
        """Reads the lists."""
        from ahocorasick_rs import AhoCorasick  # noqa: PLC0415 -- a library that only this operator needs

        domains, urls = domain_set(self.domains), url_set(self.urls)
        strict = AhoCorasick(list(word_list(self.strict_words)))
        hard, soft = frozenset(word_list(self.hard_words)), frozenset(word_list(self.soft_words))

        def measure(batch: pa.RecordBatch) -> FloatArray:
            values = np.full((batch.num_rows, 6), np.nan)
            hashes: list[int] = []  # of each URL, then of its host and of the domains above
            owners: list[int] = []
            firsts: list[int] = []
            for row, url in enumerate(batch.column(self.url_column).to_pylist()):
                values[row, 0] = not url
                if not url:
                    continue
                host, tail = split_url(url)
                firsts.append(len(hashes))
                names = [host + tail, *parent_domains(host)]
                hashes += map(name_hash, names)
                owners += [row] * len(names)
                words = words_of(url)
                hits = strict.find_matches_as_indexes("".join(words), overlapping=True)
                values[row, 3] = len({pattern for pattern, _, _ in hits})
                values[row, 4] = len(hard.intersection(words))
                values[row, 5] = len(soft.intersection(words))
            looked = np.array(hashes, np.uint64)  # (H,)
            is_url = np.zeros(len(looked), np.bool_)
            is_url[firsts] = True
            rows = np.array(owners, np.int64)
            values[rows[is_url], 2] = contains(urls, looked[is_url])
            hits_of_row = np.bincount(rows[~is_url][contains(domains, looked[~is_url])], minlength=batch.num_rows)
            present = rows[is_url]
            values[present, 1] = hits_of_row[present]
            return values

        return measure
