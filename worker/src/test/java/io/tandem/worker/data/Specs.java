package io.tandem.worker.data;

import io.tandem.protocol.job.DataSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** Data specs for tests. */
final class Specs {
  static final DataSpec.AugmentationSpec PLAIN =
      new DataSpec.AugmentationSpec(false, 0, 0, 0, List.of(), 0, 128);
  static final DataSpec.AugmentationSpec FULL =
      new DataSpec.AugmentationSpec(true, 4, 2, 16, List.of(), 8, 128);

  private Specs() {}

  static DataSpec of(
      DataSpec.Format format, Path path, int side, int channels, int classes, int perClass) {
    return of(format, path, side, channels, classes, perClass, FULL, 0.5);
  }

  static DataSpec of(
      DataSpec.Format format,
      Path path,
      int side,
      int channels,
      int classes,
      int perClass,
      DataSpec.AugmentationSpec augmentation,
      double maximumBroken) {
    return new DataSpec(
        format,
        path.toString(),
        side,
        side,
        channels,
        classes,
        perClass,
        maximumBroken,
        0,
        Collections.nCopies(channels, 0.0),
        Collections.nCopies(channels, 1.0),
        augmentation);
  }

  /** A directory of real data, or the test is skipped. */
  static Path real(String name) {
    Path directory = Path.of(System.getProperty("tandem.data", "data")).resolve(name);
    Assumptions.assumeTrue(
        Files.isDirectory(directory), "skipped: no " + name + " under -Dtandem.data");
    return directory;
  }
}
