"""Texts on which an engine is held against `tokenizers` before it is used: what engines are known to get wrong.

Together some 20 KB, so that opening an operator stays quick. Documents are checked beside them, see `Tokenize`.
"""

from typing import Final

_LATE_MARKS: Final = "\u0898\u08ca\u0c3c\u1715\u1ac1\u1ace\U00010efd\U00010f82\U00011070\U0001e08f"
"""Combining marks of Unicode 14 and 15: engines whose tables are older compose or order them otherwise."""

PROBES: Final[tuple[str, ...]] = (
    "The quick brown fox jumps over the lazy dog.",
    "It's 3.14159 o'clock; they'll say WE'VE 1,234,567 reasons (don't they?) -- e.g. foo_bar2baz!",
    "",
    " ",
    "  ",
    "\n",
    "\r\n\r\n",
    "\t\t x \t\n  y   \n\n\n   z\u00a0\u00a0\u3000\u2003\u2028\u2029\u0085 end ",
    " leading and trailing   ",
    *(f"a{' ' * count}b{' ' * count}" for count in (2, 3, 7, 8, 16, 23, 24, 25, 31, 32, 33, 63, 64, 127, 128, 200)),
    *(f"{unit * 3}x{unit * 9}1{unit * 70}." for unit in ("\n", "\t", "\r\n", " \n", "\u00a0", "-", "=", "#", "*", "_")),
    *(letter * count for letter in "a7!\u4e2d\u0416" for count in (1, 2, 3, 63, 64, 65, 255, 256, 257, 1000)),
    "abcdefghijklmnopqrstuvwxyz" * 40,
    "the" * 300,
    "0123456789" * 50,
    "'s 't 're 've 'm 'll 'd 'S 'T 'RE 'VE 'M 'LL 'D \u2019s \u2019ll x's' ''s",
    "def f(x):\n    if x >= 0x1F:\n\t\treturn {'a': [1, 2, None], \"b\": x ** 2}  # note\n        \n",
    "<p class=\"a\">1 &lt; 2</p><!-- c --><br/>\n\n| a | b |\n|---|---|\n```sh\n$ ls -la | grep '^d'\n```\n",
    "https://example.org/a/b?c=d&e=%20#f user@example.org C:\\dir\\file.txt ../x/./y",
    "\u0000\u0001\u0004\u0006\u0013\u0014\u0016\u001b\u001d\u007f\u0080\u009f\u00ad",
    "caf\u00e9 cafe\u0301 \u00c5 A\u030a \u212b \u1e9b\u0323 \ufb01 \u01c4 \u017f a\u0323\u0301 a\u0301\u0323 \u0344",
    "\u0301\u0301 \u0958 \u0915\u093c \u0f73 \u0f71\u0f72 \u2126 \u212a \u1100\u1161\u11a8 \uac01 \uac00\u11a8 \u0cca",
    *(f"a{mark}\u0301b \u0301{mark}\u0327 {mark}{mark} n{mark}\u0303" for mark in _LATE_MARKS),
    "\u00bd \u00b2 \u2167 \u0663\u0664 \u0967\u0968 \u4e09\u5341 \u2460 \U0001d7d8 \u3007",
    "Stra\u00dfe \u0130I\u0131i \u03a3\u03c3\u03c2 \u1e9e \u0149 \u01f0 \ua7ae \u10d0\u1c90 \u13a0\uab70",
    "\u0413\u043b\u043e\u043a\u0430\u044f \u043a\u0443\u0437\u0434\u0440\u0430, \u0457\u0436\u0430\u043a \u0451\u0436.",
    "\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac \u05e2\u05b4\u05d1\u05b0\u05e8\u05b4\u05d9\u05ea \u0627",
    "\u0644\u0639\u064e\u0631\u064e\u0628\u064a\u0629\u060c \u0641\u0627\u0631\u0633\u06cc",
    "\u4e2d\u6587\u6ca1\u6709\u7a7a\u683c\u3002\u65e5\u672c\u8a9e\u3001\u30ab\u30bf\u30ab\u30ca\uff01\u3072",
    "\u3089\u304c\u306a \ud55c\uad6d\uc5b4 \ub744\uc5b4\uc4f0\uae30",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0ba4\u0bae\u0bbf\u0bb4\u0bcd \u0e44\u0e17\u0e22\u0e44\u0e21\u0e48",
    " \u0f56\u0f7c\u0f51 \u1019\u103c\u1014\u103a \u17a2\u1780 \u0531\u0575\u0562 \u1200\u1201",
    "\U0001f600\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f1e9\U0001f1ea ",
    "\U0001f3fd\U0001f44d\U0001f3ff 1\ufe0f\u20e3 \U0001f6dc",
    "\ufeffbom \u200b\u200c\u200d\u2060 \u202eabc\u202c \ufffd \ue000 \U000f0000 \U0010ffff \ufdd0 \u0378 \U00050000",
    "\u2581a \u2581\u2581 b\u2581 <0x0A> <0xE2> \u0120\u010a\u0109 \u0120the",
    "<|endoftext|> <|im_start|> </s> <s> <unk> <pad> [CLS] [MASK] <|",
    "\u4e00" + "".join(map(chr, range(0x20, 0x250))) + "".join(map(chr, range(0x2000, 0x2070))),
    " ".join(map(chr, range(0x300, 0x370))),
    "".join(f"{chr(code)}\u0301 " for code in range(0x41, 0x250)),
    "\U0001d400\U0001d44e \U00020000\U0002a6d6 \U00010330 \U00012000 \U00013000 \U0001f004 \U0001fae8 \U0001f9ff",
)
