package io.tandem.protocol.job;

/**
 * Where images come from and what is done to them.
 *
 * @param format {@code idx} (MNIST files, gzip or plain), {@code cifar10} (binary batches), {@code
 *     folder} (split/class/image), {@code csv} (columns path, label, split) or {@code tar}
 *     (WebDataset shards: train*.tar, test*.tar)
 * @param path the directory with the files, as the workers see it
 * @param imageHeight rows of every image after decoding and resizing
 * @param imageWidth columns, likewise
 * @param channels 1 or 3
 * @param classes K
 * @param labeledPerClass labelled images drawn per class by seed from the training split; 0 takes
 *     all that the source marks as labelled
 * @param maximumBroken the largest share of unreadable images, in [0, 1], before the job fails
 * @param testLimit at most this many test images are evaluated; 0 means all
 * @param mean per channel, in units of [0, 1]
 * @param standardDeviation per channel, likewise
 * @param augmentation how the views are made
 */
public record DataSpec(
    Format format,
    String path,
    int imageHeight,
    int imageWidth,
    int channels,
    int classes,
    int labeledPerClass,
    double maximumBroken,
    int testLimit,
    java.util.List<Double> mean,
    java.util.List<Double> standardDeviation,
    AugmentationSpec augmentation) {

  /** The layouts of files that can be read. */
  public enum Format {
    IDX,
    CIFAR10,
    FOLDER,
    CSV,
    TAR
  }

  /**
   * The weak view flips and crops; the strong view is the weak one, then RandAugment, then cutout
   * (reference: RandAugment, arXiv 1909.13719).
   *
   * @param flip horizontal flips with probability one half
   * @param cropPadding pixels of grey padding before the random crop back to the image's size
   * @param operations RandAugment's N: operations applied in sequence
   * @param magnitude RandAugment's M on a nominal scale of 10, which it may exceed; colour,
   *     contrast, brightness and sharpness are changed by the factor {@code 0.18 M + 0.1}, so that
   *     at 5 these four leave an image as it is
   * @param excluded operations never drawn, for example {@code rotate} for digits
   * @param cutout side in pixels of the filled square of the strong view; 0 means none
   * @param fill the value of pixels that come from outside of an image or are cut out, 0 to 255:
   *     that of the images' ground where they have one
   */
  public record AugmentationSpec(
      boolean flip,
      int cropPadding,
      int operations,
      double magnitude,
      java.util.List<PixelOperation> excluded,
      int cutout,
      int fill) {}
}
