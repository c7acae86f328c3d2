"""Holiday weeks as the administrator makes and changes them."""
