package io.tandem.worker.data;

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

  private static int startOfScan(byte[] file) {
    int i = 2;
    while (i + 3 < file.length && at(file, i) == 0xFF) {
      int marker = at(file, i + 1);
      if (marker == 0xFF) {
        i++; // a fill byte
      } else if (marker == START_OF_SCAN) {
        return i;
      } else {
        i += 2 + (at(file, i + 2) << 8 | at(file, i + 3));
      }
    }
    return -1;
  }

  private static int at(byte[] file, int index) {
    return file[index] & 0xFF;
  }
}
