"""Adds rows of a classifier's input matrix, one after the other, as fast as memory gives them.

Sums are float32 in the order of the rows; nothing is fused or reordered by the compiler, so processors agree.
Letters are: E columns, L labels, H sums (the columns, or the labels where products of rows are summed).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from operators.fasttext.lanes import NUM_LANES, add_lanes, load_float, load_lanes, multiply_lanes, store_lanes
from operators.fasttext.model_file import Floats
from operators.fasttext.network import Network
from operators.text.prefetch import prefetch
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

Rows = npt.NDArray[np.uintp]

FLOAT: Final = np.uintp(4)
"""Bytes of a float."""
FLOATS_A_LINE: Final = 16
"""Of a cache line of 64 bytes."""


def num_sums(network: Network) -> int:
    """H: the columns of a row, or the labels where the products of rows are summed."""
    return int(network.products.shape[1] if len(network.products) else network.output.shape[0])


@borrowing_kernel
def add_coded_row(row: np.uintp, network: Network, total: Floats) -> None:
    """Adds a row of a quantized matrix to `total`, (E,)."""
    columns = np.uintp(total.shape[0])
    column = np.uintp(0)
    for number in range(np.uintp(network.codes.shape[1])):
        code = np.uintp(network.codes[row, np.uintp(number)])
        for k in range(min(np.uintp(network.centroids.shape[2]), columns - column)):
            total[column] += network.scales[row] * network.centroids[np.uintp(number), code, np.uintp(k)]
            column += np.uintp(1)


@inline_kernel
def add_lane(num_rows: np.uintp, rows: Rows, data: Bytes, column: np.uintp, total: Floats) -> None:
    """Adds eight columns of the rows, from `column` on."""
    columns = np.uintp(total.shape[0])
    lane = load_lanes(total, column)
    for k in range(num_rows):
        lane = add_lanes(lane, load_lanes(data, (rows[np.uintp(k)] * columns + column) * FLOAT))
    store_lanes(lane, total, column)


@inline_kernel
def add_four_lanes(num_rows: np.uintp, rows: Rows, data: Bytes, column: np.uintp, total: Floats) -> None:
    """Adds thirty-two columns of the rows, from `column` on."""
    columns = np.uintp(total.shape[0])
    second, third, fourth = np.uintp(NUM_LANES), np.uintp(2 * NUM_LANES), np.uintp(3 * NUM_LANES)
    lane0, lane1 = load_lanes(total, column), load_lanes(total, column + second)
    lane2, lane3 = load_lanes(total, column + third), load_lanes(total, column + fourth)
    for k in range(num_rows):
        place = (rows[np.uintp(k)] * columns + column) * FLOAT
        lane0 = add_lanes(lane0, load_lanes(data, place))
        lane1 = add_lanes(lane1, load_lanes(data, place + second * FLOAT))
        lane2 = add_lanes(lane2, load_lanes(data, place + third * FLOAT))
        lane3 = add_lanes(lane3, load_lanes(data, place + fourth * FLOAT))
    store_lanes(lane0, total, column)
    store_lanes(lane1, total, column + second)
    store_lanes(lane2, total, column + third)
    store_lanes(lane3, total, column + fourth)


@borrowing_kernel
def add_dense_rows(num_rows: np.uintp, rows: Rows, data: Bytes, total: Floats) -> None:
    """Adds the first `num_rows` of `rows` to `total`, (E,), in their order: some columns of all rows at a time."""
    columns = np.uintp(total.shape[0])
    column = np.uintp(0)
    while column + np.uintp(4 * NUM_LANES) <= columns:
        add_four_lanes(num_rows, rows, data, column, total)
        column += np.uintp(4 * NUM_LANES)
    while column + np.uintp(NUM_LANES) <= columns:
        add_lane(num_rows, rows, data, column, total)
        column += np.uintp(NUM_LANES)
    while column < columns:
        value = total[column]
        for k in range(num_rows):
            value += load_float(data, (rows[np.uintp(k)] * columns + column) * FLOAT)
        total[column] = value
        column += np.uintp(1)


@inline_kernel
def add_row(row: np.uintp, floats: Floats, total: Floats) -> None:
    """Adds one row to `total`, (E,)."""
    columns = np.uintp(total.shape[0])
    column = np.uintp(0)
    while column + np.uintp(NUM_LANES) <= columns:
        lanes = add_lanes(load_lanes(total, column), load_lanes(floats, row * columns + column))
        store_lanes(lanes, total, column)
        column += np.uintp(NUM_LANES)
    while column < columns:
        total[column] += floats[row, column]
        column += np.uintp(1)


@inline_kernel
def ask_for_floats(row: np.uintp, network: Network) -> None:
    """Begins to load a row; one that is quantized is small enough to be near."""
    columns = np.uintp(network.output.shape[0])
    column = np.uintp(0)
    while column < columns and network.rows.shape[0] > 0:
        prefetch(network.rows, (row * columns + column) * FLOAT)
        column += np.uintp(FLOATS_A_LINE)


@inline_kernel
def ask_for_row(row: np.uintp, network: Network) -> None:
    """Begins to load a row, or its products."""
    if network.products.shape[0] > 0:
        prefetch(network.products, row * np.uintp(network.products.shape[1]))
    else:
        ask_for_floats(row, network)


@inline_kernel
def product(row: Floats, weights: Floats, label: np.uintp, sums: Floats) -> np.float32:
    """The product of a row with a label's weights: eight sums side by side, `sums`, then these and what is left."""
    columns = np.uintp(row.shape[0])
    first = label * columns
    column = np.uintp(0)
    sums[:] = np.float32(0)
    lanes = load_lanes(sums, np.uintp(0))
    while column + np.uintp(NUM_LANES) <= columns:
        lanes = add_lanes(lanes, multiply_lanes(load_lanes(row, column), load_lanes(weights, first + column)))
        column += np.uintp(NUM_LANES)
    store_lanes(lanes, sums, np.uintp(0))
    total = np.float32(0)
    for k in range(np.uintp(NUM_LANES)):
        total += sums[np.uintp(k)]
    while column < columns:
        total += row[column] * weights[label, column]
        column += np.uintp(1)
    return total


@borrowing_kernel
def fill_products(num_rows: np.uintp, rows: Rows, network: Network, row: Floats, sums: Floats) -> None:
    """Fills in the products that are missing; the rows are all asked of memory before the first is multiplied."""
    for k in range(num_rows):
        if network.products[rows[np.uintp(k)], np.uintp(0)] == np.float32(0):
            ask_for_floats(rows[np.uintp(k)], network)
    for k in range(num_rows):
        place = rows[np.uintp(k)]
        if network.products[place, np.uintp(0)] != np.float32(0):
            continue
        row[:] = np.float32(0)
        if network.rows.shape[0] > 0:
            add_dense_rows(np.uintp(1), rows[np.uintp(k) : np.uintp(k) + np.uintp(1)], network.rows, row)
        else:
            add_coded_row(place, network, row)
        for label in range(np.uintp(network.products.shape[1])):
            network.products[place, np.uintp(label)] = product(row, network.weights, np.uintp(label), sums)


@borrowing_kernel
def add_rows(num_rows: np.uintp, rows: Rows, network: Network, row: Floats, sums: Floats, total: Floats) -> None:
    """Adds the first `num_rows` of `rows`, or their products, to `total` in order; `row` and `sums` are scratch."""
    if network.products.shape[0] > 0:
        fill_products(num_rows, rows, network, row, sums)
        for k in range(num_rows):
            add_row(rows[np.uintp(k)], network.products, total)
    elif network.rows.shape[0] > 0:
        add_dense_rows(num_rows, rows, network.rows, total)
    else:
        for k in range(num_rows):
            add_coded_row(rows[np.uintp(k)], network, total)
