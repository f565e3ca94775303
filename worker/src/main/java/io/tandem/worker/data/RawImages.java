package io.tandem.worker.data;

/**
 * Images held in memory as they lay in their file.
 *
 * @param title what the file is called
 * @param pixels {@code count * rows * columns * depth} bytes, channels last
 * @param labels one an image
 */
record RawImages(
    String title, byte[] pixels, int[] labels, int rows, int columns, int depth, ImageCodec codec)
    implements ImageSource {
  @Override
  public int count() {
    return labels.length;
  }

  @Override
  public int label(int index) {
    return labels[index];
  }

  @Override
  public String name(int index) {
    return title + "#" + index;
  }

  @Override
  public byte[] decode(int index) throws UnreadableImageException {
    int size = rows * columns * depth;
    byte[] image = new byte[size];
    System.arraycopy(pixels, index * size, image, 0, size);
    return codec.fit(image, rows, columns, depth);
  }
}
