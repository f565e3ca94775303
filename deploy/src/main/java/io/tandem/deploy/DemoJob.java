package io.tandem.deploy;

import io.tandem.protocol.job.JobFiles;
import io.tandem.worker.data.PictureGenerator;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * The demo's pictures and its two jobs, which differ in the algorithm alone: the same labels, the
 * same network, learning rate, batch of labelled pictures and number of updates of the network that
 * is tested.
 */
final class DemoJob {
  /** Of each training. */
  static final int STEPS = 240;

  private static final int CLASSES = 4;
  private static final int LABELED_PER_CLASS = 16;
  private static final int UNLABELED = 400;
  private static final int TEST_PER_CLASS = 50;

  private DemoJob() {}

  /** What is compared, in the order in which it runs. */
  enum Method {
    SUPERVISED("supervised", "supervised", "supervised"),
    META_PSEUDO_LABELS("meta-pseudo-labels", "metaPseudoLabels", "UDA + Meta Pseudo Labels");

    private final String label;
    private final String key;
    private final String title;

    Method(String label, String key, String title) {
      this.label = label;
      this.key = key;
      this.title = title;
    }

    /** As job files say it. */
    String label() {
      return label;
    }

    /** As the demo's JSON says it. */
    String key() {
      return key;
    }

    /** As people say it. */
    String title() {
      return title;
    }
  }

  static PictureGenerator generator(long seed, int side) {
    return new PictureGenerator(seed, CLASSES, LABELED_PER_CLASS, UNLABELED, TEST_PER_CLASS, side);
  }

  /** What the generator draws, in words. */
  static String pictures(int side) {
    return "%d classes, %d labelled pictures of each, %d unlabelled, %d to test, %dx%d"
        .formatted(CLASSES, LABELED_PER_CLASS, UNLABELED, CLASSES * TEST_PER_CLASS, side, side);
  }

  /** The job as REST takes it. */
  static byte[] json(Method method, Path pictures, long seed, int side, int steps) {
    boolean meta = method == Method.META_PSEUDO_LABELS;
    int tuning = meta ? steps / 2 : 0;
    Map<String, String> parameters =
        Map.ofEntries(
            Map.entry("ALGORITHM", method.label()),
            Map.entry("DATA", pictures.toString()),
            Map.entry("SIDE", String.valueOf(side)),
            Map.entry("PADDING", String.valueOf(side / 16)),
            Map.entry("CUTOUT", String.valueOf(side * 3 / 16)),
            Map.entry("SEED", String.valueOf(seed)),
            Map.entry("CLASSES", String.valueOf(CLASSES)),
            Map.entry("STEPS", String.valueOf(steps - tuning)),
            Map.entry("WARMUP", String.valueOf(Math.max(1, steps / 20))),
            Map.entry("RAMP", String.valueOf(steps / 5)),
            Map.entry("UNLABELED_BATCH", meta ? "16" : "0"),
            Map.entry("FINE_TUNE", String.valueOf(tuning)),
            Map.entry("EVALUATE", String.valueOf(Math.max(1, steps / 4))));
    return JobFiles.toJson(JobFiles.parse(template(), parameters));
  }

  private static byte[] template() {
    try (InputStream job = DemoJob.class.getResourceAsStream("demo.yaml")) {
      return job.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
