"""What the markets watch needs done when time has come: saying which assets to ask about, and looking how it goes."""
