package io.tandem.worker.data;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * RandAugment's operations (arXiv 1909.13719; names and strengths as in the TensorFlow code of Meta
 * Pseudo Labels). Names in job files are written with hyphens: {@code auto-contrast}. Magnitude M
 * is on a nominal scale of 10 and may exceed it.
 */
enum PixelOperation {
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
  CUTOUT;

  /** How the name stands in job files. */
  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * All operations but the excluded ones.
   *
   * @throws DataException for a name that is no operation
   */
  static List<PixelOperation> except(List<String> excluded) {
    List<String> allowed = Arrays.stream(values()).map(PixelOperation::label).toList();
    for (String name : excluded) {
      if (!allowed.contains(name)) {
        throw new DataException(
            "data.augmentation.excluded: '" + name + "' is no operation; allowed are " + allowed);
      }
    }
    return Arrays.stream(values()).filter(op -> !excluded.contains(op.label())).toList();
  }
}
