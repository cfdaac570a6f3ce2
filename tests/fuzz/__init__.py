"""A fuzzer of everything that convnet reads: `python -m tests.fuzz --seconds 600`.

Each reader has small valid inputs; mutators damage them.  An input passes if the reader accepts it
or raises a ConvnetError whose text is safe to print.  Every input is a pure function of the name of
the reader, the seed and a number, so a failure can be repeated.
"""
