package io.tandem.worker.data;

import java.util.function.IntPredicate;

/** Whether a JPEG file is whole (ITU-T T.81, annex B: markers). */
final class JpegFile {
  private static final int START_OF_SCAN = 0xDA;
  private static final int END_OF_IMAGE = 0xD9;

  private JpegFile() {}

  static boolean isJpeg(byte[] file) {
    return file.length > 3 && at(file, 0) == 0xFF && at(file, 1) == 0xD8 && at(file, 2) == 0xFF;
  }

  /** Whether an end-of-image marker follows the first scan; thumbnails lie before it. */
  static boolean isWhole(byte[] file) {
    int scan = startOfScan(file);
    for (int i = file.length - 2; scan >= 0 && i > scan; i--) {
      if (at(file, i) == 0xFF && at(file, i + 1) == END_OF_IMAGE) {
        return true;
      }
    }
    return false;
  }

  /** The size, which stands in the start of the frame, before the first scan. */
  static PictureHeader header(byte[] file) throws UnreadableImageException {
    int frame = find(file, JpegFile::startsFrame);
    if (frame < 0 || frame + 8 >= file.length) {
      throw new UnreadableImageException("the JPEG file says nothing of its size");
    }
    return PictureHeader.of(two(file, frame + 5), two(file, frame + 7));
  }

  /** Huffman tables, an extension and arithmetic conditioning have numbers between those. */
  private static boolean startsFrame(int marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
  }

  private static int startOfScan(byte[] file) {
    return find(file, marker -> marker == START_OF_SCAN);
  }

  /** Where the first such marker before the first scan's data is, or -1. */
  private static int find(byte[] file, IntPredicate wanted) {
    int i = 2;
    while (i + 3 < file.length && at(file, i) == 0xFF) {
      int marker = at(file, i + 1);
      if (marker == 0xFF) {
        i++; // a fill byte
      } else if (wanted.test(marker)) {
        return i;
      } else if (marker == START_OF_SCAN) {
        return -1;
      } else {
        i += 2 + two(file, i + 2);
      }
    }
    return -1;
  }

  private static int two(byte[] file, int index) {
    return at(file, index) << 8 | at(file, index + 1);
  }

  private static int at(byte[] file, int index) {
    return file[index] & 0xFF;
  }
}
