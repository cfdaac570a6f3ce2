"""The layouts of operands in shared memory, and of results among the threads of a warp.

A tile of an operand is a few columns (rows m or columns n of the product) by a few values of k.
Its layouts in shared memory, with rows `ld` apart:

* PLAIN: a row for each k, with some padding behind it;
* SWIZZLED: a row for each k, whose words of 4 values are permuted by (k / 4) % 4;
* BY_COLUMN: 16 values of k for each column, neighboring columns exchanged by (column / 4) % 2;
* PADDED_COLUMNS: 16 values of k for each column, with some padding behind them.

Values are float32, or bf16 for products in bf16, which use PLAIN and PADDED_COLUMNS.

A *warp tile* is `rows` x `columns` numbers of a product, held by 32 threads:

* fp32, PLAIN, 32 x 64: 8 x 8 a thread, rows {4y + 0..3, 16 + 4y + 0..3}, columns {4x + 0..3, 32 +
  4x + 0..3}, y = lane / 8, x = lane % 8;
* tf32, SWIZZLED and BY_COLUMN, multiples of 32: rows 4g + 0..3 (+ 32, ...), columns 8t + 0..7
  (+ 32, ...), g = lane / 4, t = lane % 4.  The PTX manual ("Matrix fragments for mma.m16n8k8")
  gives a lane row or column g of each operand's fragment and k = t.  Here index q of a lane's rows
  stands for row 4g + q % 4 + 32 (q / 4), which is half q % 2 of fragment q / 2; columns likewise,
  one a fragment.  A lane's k are the neighbors 4t + 0..3, because A and B may be permuted alike.
  So every layout is read 16 bytes at a time, without bank conflicts;
* bf16, multiples of 16: rows g (+ 8, ...), columns 2t + 0..1 (+ 8, ...), those of the PTX manual
  ("Matrix fragments for mma.m16n8k16").  ldmatrix reads eight times 16 bytes at once.  Rows of
  shared memory are an odd number of 16 bytes long, so that these meet all banks.
"""

from convnet.backends.cuda.jit import device_function

PLAIN, SWIZZLED, BY_COLUMN, PADDED_COLUMNS = range(4)
DEPTHS = 8, 16, 16  # values of k a tile, by precision
PADDING = 4, 0, 8  # values behind a row: reads, and writes that transpose, have no bank conflicts
VALUE_BYTES = 4, 4, 2  # of a value in shared memory


def place_of(k, column, layout, ld):
    """Return the index of the value (k, column) of a tile; numbers or NumPy arrays."""
    if layout == SWIZZLED:
        return k * ld + (column ^ (k >> 2 & 3) * 8)
    if layout == BY_COLUMN:
        return (column ^ (column >> 2 & 1)) * ld + k
    if layout == PADDED_COLUMNS:
        return column * ld + k
    return k * ld + column


device_place_of = device_function(place_of)
