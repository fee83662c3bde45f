return { frames = "frames", bytes = "bytes" }
