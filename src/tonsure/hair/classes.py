"""What the parser tells apart, in the order of its planes."""

CLASSES = ("background", "skin", "hair", "hat", "ear", "neck", "clothes", "glasses", "jewellery")
BACKGROUND, SKIN, HAIR, HAT, EAR, NECK, CLOTHES, GLASSES, JEWELLERY = range(9)
