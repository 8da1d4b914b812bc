"""`make bench-image`: the figures of the node images."""

from __future__ import annotations

import image_boot
import image_build

if __name__ == "__main__":
    image_build.main()
    image_boot.main()
