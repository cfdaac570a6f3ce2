"""What tests share: the table of cases, references in float64, small data sets, helpers."""
