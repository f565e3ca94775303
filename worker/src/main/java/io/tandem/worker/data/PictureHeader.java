package io.tandem.worker.data;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What an encoded picture says of its size, read before anything is allocated for it: a few bytes
 * may promise gigabytes of pixels. Formats that are not listed here are not decoded.
 *
 * @param rows as promised, not negative
 * @param columns as promised, not negative
 */
record PictureHeader(long rows, long columns) {
  private static final int TIFF_ENTRY = 12;
  private static final int TIFF_WIDTH = 256;
  private static final int TIFF_HEIGHT = 257;
  private static final int TIFF_SHORT = 3;

  /** The header of a JPEG, PNG, BMP, GIF, TIFF or WebP file. */
  static PictureHeader read(byte[] file) throws UnreadableImageException {
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    try {
      return read(file, bytes);
    } catch (IndexOutOfBoundsException e) {
      throw new UnreadableImageException("the file is truncated", e);
    }
  }

  private static PictureHeader read(byte[] file, ByteBuffer bytes) throws UnreadableImageException {
    if (JpegFile.isJpeg(file)) {
      return JpegFile.header(file);
    }
    if (starts(file, "\u0089PNG\r\n\u001a\n")) {
      bytes.order(ByteOrder.BIG_ENDIAN);
      return of(bytes.getInt(20), bytes.getInt(16));
    }
    if (starts(file, "BM")) {
      boolean old = bytes.getInt(14) == 12;
      return old
          ? of(bytes.getChar(20), bytes.getChar(18))
          : of(Math.abs((long) bytes.getInt(22)), bytes.getInt(18));
    }
    if (starts(file, "GIF8")) {
      return of(bytes.getChar(8), bytes.getChar(6));
    }
    if (starts(file, "RIFF") && file.length > 16 && starts(file, 8, "WEBPVP8")) {
      boolean extended = file[15] == 'X'; // The other two kinds have 14 bits for a side.
      return extended
          ? of(1 + (bytes.getInt(26) >>> 8), 1 + (bytes.getInt(24) & 0xFFFFFF))
          : of(1, 1);
    }
    if (starts(file, "II*\0")) {
      return tiff(bytes);
    }
    if (starts(file, "MM\0*")) {
      return tiff(bytes.order(ByteOrder.BIG_ENDIAN));
    }
    throw new UnreadableImageException("not a picture: neither JPEG, PNG, BMP, GIF, TIFF nor WebP");
  }

  /** The first of its pictures. */
  private static PictureHeader tiff(ByteBuffer bytes) throws UnreadableImageException {
    int directory = bytes.getInt(4);
    long rows = -1;
    long columns = -1;
    for (int i = 0; i < bytes.getChar(directory); i++) {
      int entry = directory + 2 + i * TIFF_ENTRY;
      boolean narrow = bytes.getChar(entry + 2) == TIFF_SHORT;
      long value = narrow ? bytes.getChar(entry + 8) : bytes.getInt(entry + 8) & 0xFFFFFFFFL;
      switch (bytes.getChar(entry)) {
        case TIFF_WIDTH -> columns = value;
        case TIFF_HEIGHT -> rows = value;
        default -> {}
      }
    }
    return of(rows, columns);
  }

  static PictureHeader of(long rows, long columns) throws UnreadableImageException {
    if (rows < 1 || columns < 1) {
      throw new UnreadableImageException("its header promises " + rows + "x" + columns + " pixels");
    }
    return new PictureHeader(rows, columns);
  }

  private static boolean starts(byte[] file, String with) {
    return starts(file, 0, with);
  }

  private static boolean starts(byte[] file, int from, String with) {
    for (int i = 0; i < with.length(); i++) {
      if (from + i >= file.length || (file[from + i] & 0xFF) != with.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
