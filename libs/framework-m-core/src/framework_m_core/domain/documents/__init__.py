"""What a DocType declares: framework fields, `Meta` options and naming rules."""
