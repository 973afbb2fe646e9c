"""The language of conditions a second time, from its specification alone, to hold the product to."""
