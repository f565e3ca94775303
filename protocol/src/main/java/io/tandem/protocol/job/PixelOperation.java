package io.tandem.protocol.job;

/**
 * RandAugment's operations (arXiv 1909.13719; names and strengths as in the TensorFlow code of Meta
 * Pseudo Labels). Magnitude M is on a nominal scale of 10 and may exceed it.
 */
public enum PixelOperation {
  AUTO_CONTRAST,
  EQUALIZE,
  INVERT,
  ROTATE,
  POSTERIZE,
  SOLARIZE,
  COLOR,
  CONTRAST,
  BRIGHTNESS,
  SHARPNESS,
  SHEAR_X,
  SHEAR_Y,
  TRANSLATE_X,
  TRANSLATE_Y,
  CUTOUT
}
