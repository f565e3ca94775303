package io.tandem.worker.data;

import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.random.CounterRandom;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongUnaryOperator;
import java.util.stream.IntStream;

/**
 * A job's images with what may be known of them: which labels training may see, which test images
 * are looked at, how views are made, which images are broken. Thread-safe: the ranks of one process
 * share one.
 */
public final class TrainingData {
  private final DataSet images;
  private final DataSpec spec;
  private final long seed;
  private final int[] labeled;
  private final int[] tested;
  private final Map<Long, Long> nextLabeled;
  private final Map<Long, Long> nextTested;
  private final Views views;
  private final Normalization normalization;
  private final ReadableImages trainReader;
  private final ReadableImages testReader;

  /**
   * Opens the job's images.
   *
   * @param seed the job's; chooses the labelled images
   * @param listener hears of broken images
   * @throws DataException when the data cannot be used as asked
   */
  public static TrainingData open(DataSpec spec, long seed, BrokenImageListener listener) {
    return new TrainingData(DataSet.open(spec), spec, seed, listener);
  }

  TrainingData(DataSet images, DataSpec spec, long seed, BrokenImageListener listener) {
    this.images = images;
    this.spec = spec;
    this.seed = seed;
    this.views = new Views(spec.augmentation());
    this.normalization = new Normalization(spec.mean(), spec.standardDeviation(), spec.channels());
    this.labeled =
        LabeledSubset.choose(images.train(), spec.classes(), spec.labeledPerClass(), seed);
    this.tested = chooseTest();
    this.nextLabeled = nextOfSameClass(labeled, images.train());
    this.nextTested = nextOfSameClass(tested, images.test());
    this.trainReader = new ReadableImages(images.train(), spec.maximumBroken(), listener);
    this.testReader = new ReadableImages(images.test(), spec.maximumBroken(), listener);
  }

  /** How many training images there are, labelled or not. */
  public int trainCount() {
    return images.train().count();
  }

  /** The training images whose labels may be seen, in rising order. */
  public int[] labeledSamples() {
    return labeled.clone();
  }

  /** How many test images are evaluated. */
  public int testCount() {
    return tested.length;
  }

  /** How many broken images were met so far. */
  public int brokenCount() {
    return trainReader.brokenCount() + testReader.brokenCount();
  }

  /** H * W * C. */
  public int imageSize() {
    return spec.imageHeight() * spec.imageWidth() * spec.channels();
  }

  /** The plan of a phase of this job. */
  public BatchPlan plan(BatchPlan.Phase phase, int labeledBatch, int unlabeledBatch) {
    return new BatchPlan(seed, phase, labeled, trainCount(), labeledBatch, unlabeledBatch);
  }

  /** Labels of labelled training samples; the only way to a training label. */
  int[] labels(long[] samples) {
    int[] labels = new int[samples.length];
    for (int i = 0; i < labels.length; i++) {
      if (!nextLabeled.containsKey(samples[i])) {
        throw new IllegalArgumentException("sample " + samples[i] + " is not labelled");
      }
      labels[i] = images.train().label((int) samples[i]);
    }
    return labels;
  }

  /** Labels of evaluated test images. */
  int[] testLabels(Slice places) {
    return IntStream.range(places.from(), places.to())
        .map(i -> images.test().label(tested[i]))
        .toArray();
  }

  /** A labelled image, or another of its class when it is broken. */
  ReadableImages.Read readLabeled(long sample) {
    return trainReader.read(sample, nextLabeled::get);
  }

  /** Any training image, or the next readable one. */
  ReadableImages.Read readUnlabeled(long sample) {
    LongUnaryOperator next = i -> (i + 1) % trainCount();
    return trainReader.read(sample, next);
  }

  /** A test image by its place among the evaluated ones, or another of its class. */
  ReadableImages.Read readTest(int place) {
    return testReader.read(tested[place], nextTested::get);
  }

  /**
   * A test image for people to look at, as JPEG or PNG, at most {@code side} pixels high and wide.
   */
  public byte[] thumbnail(int place, int side) {
    return new ImageCodec(spec.imageHeight(), spec.imageWidth(), spec.channels())
        .thumbnail(readTest(place).pixels(), side);
  }

  /** The label of an evaluated test image. */
  public int testLabel(int place) {
    return images.test().label(tested[place]);
  }

  Views views() {
    return views;
  }

  Picture picture(byte[] pixels) {
    byte fill = (byte) spec.augmentation().fill();
    return new Picture(pixels, spec.imageHeight(), spec.imageWidth(), spec.channels(), fill);
  }

  void normalize(Picture picture, float[] out, int place) {
    normalization.write(picture, out, place * imageSize());
  }

  /** A limited evaluation looks at a random part: files are often sorted by class. */
  private int[] chooseTest() {
    int count = images.test().count();
    int limit = spec.testLimit() == 0 ? count : Math.min(count, spec.testLimit());
    if (limit == count) {
      return IntStream.range(0, count).toArray();
    }
    Permutation order = new Permutation(count, CounterRandom.Purpose.SHUFFLE.ordinal(), limit);
    return IntStream.range(0, limit).map(order::at).sorted().toArray();
  }

  private static Map<Long, Long> nextOfSameClass(int[] samples, ImageSource source) {
    Map<Integer, Long> first = new HashMap<>();
    Map<Integer, Long> previous = new HashMap<>();
    Map<Long, Long> next = new HashMap<>();
    for (long sample : samples) {
      int label = source.label((int) sample);
      first.putIfAbsent(label, sample);
      Long before = previous.put(label, sample);
      if (before != null) {
        next.put(before, sample);
      }
    }
    previous.forEach((label, last) -> next.put(last, first.get(label)));
    return next;
  }
}
