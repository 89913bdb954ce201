"""What tests of stores, catalogs and edges share; shipped, so that other implementations can run them too."""
