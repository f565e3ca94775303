package io.tandem.worker.engine.nd4j;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NativeBuildTest {
  private static String processor(String flags) {
    return "processor\t: 0\nmodel name\t: avx2 in name only\nflags\t\t: " + flags + "\nbugs\t\t:\n";
  }

  @Test
  void shouldTellProcessorsApart() {
    assertThat(NativeBuild.hasAvx2(processor("fpu sse2 avx avx2 fma"))).isTrue();
    assertThat(NativeBuild.hasAvx2(processor("fpu sse2 avx avx2"))).isTrue();
    assertThat(NativeBuild.hasAvx2(processor("fpu sse2 avx f16c"))).isFalse();
    assertThat(NativeBuild.hasAvx2("")).isFalse();
  }
}
