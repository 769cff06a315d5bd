"""Plans: what an image will hold, layer by layer, as frozen data; nothing here reads or writes."""
