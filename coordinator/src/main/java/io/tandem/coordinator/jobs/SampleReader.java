package io.tandem.coordinator.jobs;

import io.tandem.coordinator.store.Rows;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.Opinion;
import io.tandem.protocol.control.Sample;
import io.tandem.protocol.control.SampleLimits;
import java.util.List;

/** The test images of an evaluation, as far as they keep to the limits. */
final class SampleReader {
  private SampleReader() {}

  static List<Rows.Sample> read(Evaluated evaluated) {
    return evaluated.getSamplesList().stream()
        .filter(sample -> sample.getImage().size() <= SampleLimits.IMAGE_BYTES)
        .filter(SampleReader::isFinite)
        .limit(SampleLimits.MOST)
        .map(sample -> row(sample, evaluated.getStep()))
        .toList();
  }

  /** A network that diverges has opinions that are no numbers, and that no store takes. */
  private static boolean isFinite(Sample sample) {
    return Double.isFinite(sample.getStudent().getProbability())
        && (!sample.hasTeacher() || Double.isFinite(sample.getTeacher().getProbability()));
  }

  private static Rows.Sample row(Sample sample, long step) {
    return new Rows.Sample(
        sample.getPlace(),
        step,
        sample.getLabel(),
        opinion(sample.getStudent()),
        sample.hasTeacher() ? opinion(sample.getTeacher()) : null,
        sample.getImage().toByteArray());
  }

  private static Rows.Opinion opinion(Opinion opinion) {
    return new Rows.Opinion(opinion.getLabel(), opinion.getProbability());
  }
}
