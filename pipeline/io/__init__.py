"""Files in and out: inputs, shards of artifacts, stores."""
