package io.tandem.worker.data;

/** Hears of images that cannot be read. Called from loading threads, once an image. */
@FunctionalInterface
public interface BrokenImageListener {
  /**
   * @param name the image as its source names it
   * @param reason why it cannot be read
   * @param replacement the name of the image that was taken in its place
   */
  void broken(String name, String reason, String replacement);
}
