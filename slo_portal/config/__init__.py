"""The configuration of an organisation as one file, `slo-rules.yml`: read, checked, compared, applied, written out."""
