package io.tandem.protocol.control;

/** What an evaluation may show of its test images; the other side drops what is beyond. */
public final class SampleLimits {
  /** Images of one evaluation. */
  public static final int MOST = 8;

  /** Of one encoded image, in bytes. */
  public static final int IMAGE_BYTES = 24 * 1024;

  private SampleLimits() {}
}
