package io.tandem.worker.data;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.PixelOperation;
import io.tandem.worker.random.CounterRandom;
import java.util.Arrays;
import java.util.List;

/**
 * Augmented views of images. Weak: a flip, then padding and a random crop. Strong: the weak view,
 * then RandAugment, then cutout. The reference's pixel constants (4 for images of 32) become an
 * eighth of the image's side. Thread-safe.
 */
final class Views {
  private final DataSpec.AugmentationSpec spec;
  private final List<PixelOperation> operations;

  Views(DataSpec.AugmentationSpec spec) {
    this.spec = spec;
    this.operations =
        Arrays.stream(PixelOperation.values())
            .filter(operation -> !spec.excluded().contains(operation))
            .toList();
  }

  /** The weak view; draws the same number of values whatever it does. */
  Picture weak(Picture picture, CounterRandom random) {
    boolean flip = random.nextBoolean();
    int span = 2 * spec.cropPadding() + 1;
    int rows = random.nextInt(span) - spec.cropPadding();
    int columns = random.nextInt(span) - spec.cropPadding();
    Picture view = spec.flip() && flip ? picture.flipped() : picture;
    return rows == 0 && columns == 0 ? view : view.moved(rows, columns);
  }

  /** The strong view of a weak view. */
  Picture strong(Picture weak, CounterRandom random) {
    Picture view = weak;
    // One probability an image, so that images differ in how much is done to them.
    double probability = 0.2 + 0.6 * random.nextDouble();
    for (int i = 0; i < spec.operations() && !operations.isEmpty(); i++) {
      PixelOperation operation = operations.get(random.nextInt(operations.size()));
      boolean applied = random.nextDouble() < probability;
      boolean negative = random.nextBoolean();
      int row = random.nextInt(view.height());
      int column = random.nextInt(view.width());
      if (applied) {
        view = apply(operation, view, negative ? -1 : 1, row, column);
      }
    }
    int row = random.nextInt(view.height());
    int column = random.nextInt(view.width());
    return spec.cutout() == 0 ? view : view.cutOut(row, column, spec.cutout());
  }

  /**
   * One operation at the job's magnitude.
   *
   * @param sign 1 or -1, for what has a direction
   * @param row of the centre of a cutout
   */
  Picture apply(PixelOperation operation, Picture in, int sign, int row, int column) {
    double magnitude = spec.magnitude();
    double factor = 0.18 * magnitude + 0.1;
    return switch (operation) {
      case AUTO_CONTRAST -> Tone.autoContrast(in);
      case EQUALIZE -> Tone.equalize(in);
      case INVERT -> Tone.invert(in);
      case ROTATE -> Warp.rotate(in, sign * 3 * magnitude);
      case POSTERIZE -> Tone.posterize(in, Math.max(1, Math.min(8, (int) (0.4 * magnitude))));
      // Beyond 255 the reference wraps around in eight bits; so does this.
      case SOLARIZE -> Tone.solarize(in, (int) (25.6 * magnitude) & 0xFF);
      case COLOR -> Tone.color(in, factor);
      case CONTRAST -> Tone.contrast(in, factor);
      case BRIGHTNESS -> Tone.brightness(in, factor);
      case SHARPNESS -> Tone.sharpness(in, factor);
      case SHEAR_X -> Warp.shearX(in, sign * 0.03 * magnitude);
      case SHEAR_Y -> Warp.shearY(in, sign * 0.03 * magnitude);
      case TRANSLATE_X -> Warp.translate(in, 0, sign * magnitude / 10 * in.width() / 8);
      case TRANSLATE_Y -> Warp.translate(in, sign * magnitude / 10 * in.height() / 8, 0);
      case CUTOUT -> in.cutOut(row, column, 2 * (int) (magnitude / 10 * in.width() / 8));
    };
  }
}
