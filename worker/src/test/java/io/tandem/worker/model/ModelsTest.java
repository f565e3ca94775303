package io.tandem.worker.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.worker.engine.Activation;
import java.util.List;
import org.junit.jupiter.api.Test;

class ModelsTest {
  /** Published sizes: WRN-28-2, and WRN-28-8 and WRN-28-10 of stem 16. */
  @Test
  void shouldHaveThePublishedNumbersOfParameters() {
    assertThat(wideResNet(28, 2, 10)).isEqualTo(1_467_610);
    assertThat(wideResNet(28, 8, 100)).isEqualTo(23_401_012);
    assertThat(wideResNet(28, 10, 10)).isEqualTo(36_479_194);
    assertThat(Models.mlp(784, 2, 128, 10, Activation.RELU).parameterCount())
        .isEqualTo(784 * 128 + 128 + 128 * 128 + 128 + 128 * 10 + 10);
  }

  @Test
  void shouldDecayWeightsButNotBiasesAndBatchNorm() {
    List<Parameter> parameters = Models.wideResNet(10, 1, 16, 1, 3, 10, 0.3).parameters();
    assertThat(parameters)
        .allSatisfy(
            p -> assertThat(p.decayed()).as(p.name()).isEqualTo(p.name().endsWith(".weight")));
    assertThat(parameters).extracting(Parameter::decayed).contains(true, false);
  }

  private static long wideResNet(int depth, int k, int classes) {
    return Models.wideResNet(depth, k, 16, 1, 3, classes, 0).parameterCount();
  }
}
