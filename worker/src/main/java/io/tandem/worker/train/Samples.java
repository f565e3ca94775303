package io.tandem.worker.train;

import com.google.protobuf.ByteString;
import io.tandem.protocol.control.Sample;
import io.tandem.protocol.control.SampleLimits;
import io.tandem.worker.data.Slice;
import io.tandem.worker.data.TrainingData;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A few test images that people are shown with what the models say of them; the same ones at every
 * evaluation, so that one sees opinions change.
 */
final class Samples {
  /** Pixels of the longer side. */
  private static final int SIDE = 96;

  private final TrainingData data;
  private final Set<Integer> places;

  /**
   * Spread over what the first replica evaluates: rank 0, which tells them, has its answers anyway.
   *
   * @param batch of the evaluation, over all replicas
   */
  Samples(TrainingData data, int batch, int replicas) {
    this.data = data;
    this.places = spread(data.testCount(), batch, replicas);
  }

  static Set<Integer> spread(int tests, int batch, int replicas) {
    int[] all =
        IntStream.iterate(0, from -> from < tests, from -> from + batch)
            .mapToObj(from -> new Slice(from, Math.min(tests, from + batch)).part(replicas, 0))
            .flatMapToInt(slice -> IntStream.range(slice.from(), slice.to()))
            .toArray();
    int count = Math.min(SampleLimits.MOST, all.length);
    Set<Integer> chosen = new LinkedHashSet<>();
    for (int i = 0; i < count; i++) {
      chosen.add(all[(int) ((long) all.length * i / count)]);
    }
    return chosen;
  }

  /** Collects what a model says. */
  Opinions opinions() {
    return new Opinions(places);
  }

  /** The images with both opinions; {@code teacher} is null where there is only one model. */
  List<Sample> told(Opinions student, Opinions teacher) {
    List<Sample> samples = new ArrayList<>();
    for (int place : places) {
      byte[] image = data.thumbnail(place, SIDE);
      if (image.length <= SampleLimits.IMAGE_BYTES) {
        Sample.Builder sample =
            Sample.newBuilder()
                .setPlace(place)
                .setImage(ByteString.copyFrom(image))
                .setLabel(data.testLabel(place))
                .setStudent(student.of(place));
        samples.add(
            teacher == null ? sample.build() : sample.setTeacher(teacher.of(place)).build());
      }
    }
    return samples;
  }
}
