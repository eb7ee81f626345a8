"""Raw data sets to TFRecords, and TFRecords back to tensors."""
