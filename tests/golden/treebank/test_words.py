"""`treebank` words and `spacy` sentences are those that datatrove counts, recorded in expected.jsonl."""

import json
from pathlib import Path

import numpy as np
import pytest

from operators.text.sentences import count_sentences, sentence_scratch, sentence_tables
from operators.text.treebank_rules import treebank_rules
from operators.text.treebank_words import scan_treebank_words, treebank_words_for
from operators.text.whitespace_words import word_hashes

ROWS = [json.loads(line) for line in Path(__file__).with_name("expected.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_words_are_those_of_spacy(row):
    data = np.frombuffer(row["text"].encode(), np.uint8)
    words = treebank_words_for(len(data))
    num_words = scan_treebank_words(data, np.uintp(0), np.uintp(len(data)), treebank_rules(), words)
    expected = row["words"].split(" ")
    assert words.num_chars[:num_words].tolist() == [len(word) for word in expected]
    assert words.hashes[:num_words].tolist() == word_hashes(tuple(expected)).tolist()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_sentences_of_lines_are_those_of_spacy(row):
    tables = sentence_tables("spacy")
    counts = []
    for line in (line.strip() for line in row["text"].splitlines()):
        if line:
            data = np.frombuffer(line.encode(), np.uint8)
            scratch = sentence_scratch("spacy", len(data))
            counts.append(int(count_sentences(data, np.uintp(0), np.uintp(len(data)), tables, scratch)))
    assert counts == row["sentences"]
