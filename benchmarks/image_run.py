"""`make bench-image`: the figures of the node images."""

from __future__ import annotations

import image_boot
import image_build

if __name__ == "__main__":
    image_build.main()
    print(f"boot to Ready against a bare join: {image_boot.main()['ratio']:.2f} (at most 1.15)")
