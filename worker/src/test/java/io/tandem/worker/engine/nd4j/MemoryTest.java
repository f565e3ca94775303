package io.tandem.worker.engine.nd4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Memory;
import io.tandem.worker.engine.MemoryKind;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@SuppressWarnings("try")
class MemoryTest {
  private Engine engine;

  @BeforeEach
  void open() {
    engine = new Nd4jEngine(DType.FLOAT32, 1);
  }

  @AfterEach
  void close() {
    engine.close();
  }

  @Test
  void shouldHoldFlatMemoryOverManySteps() {
    Tensor w = engine.allocate(Shape.of(3, 3, 4, 8), MemoryKind.WEIGHTS);
    long weights = engine.bytes(MemoryKind.WEIGHTS);
    assertThat(weights).isEqualTo(3 * 3 * 4 * 8 * 4);
    long native100 = 0;
    for (int step = 0; step < 2000; step++) {
      try (Memory.Scope scope = engine.openScope()) {
        Tensor x = engine.zeros(Shape.of(4, 32, 32, 4));
        Tensor y = engine.convolution(x, w, Window.square(3, 1, 1), 1);
        engine.view(y, 32, Shape.of(8, 4)).close();
        engine.moments(y);
      }
      assertThat(engine.bytes(MemoryKind.ACTIVATIONS)).isZero();
      if (step == 100) {
        native100 = Pointer.totalBytes();
      }
    }
    // The count is the process's, and small handles of ND4J wait for the garbage collector; one
    // activation (131072 bytes) leaked a step would be 249 MB.
    assertThat(Pointer.totalBytes()).isLessThan(native100 + 16 * 131_072);
    assertThat(engine.bytes(MemoryKind.WEIGHTS)).isEqualTo(weights);
    // What a convolution works in (rearranged weights, scratch) counts too, while it runs.
    long activations = 4 * 32 * 32 * (4 + 8) * 4;
    assertThat(engine.peakBytes(MemoryKind.ACTIVATIONS))
        .isBetween(activations, activations + 16 * 1024);
    engine.resetPeaks();
    assertThat(engine.peakBytes(MemoryKind.ACTIVATIONS)).isZero();
    assertThat(engine.peakBytes(MemoryKind.WEIGHTS)).isEqualTo(weights);
  }

  @Test
  void shouldNotPileUpMemoryOfChangingSizes() {
    Nd4jMemory memory = new Nd4jMemory(DType.FLOAT32, new NativeThreads(1));
    for (int size = 1; size <= 1000; size++) {
      try (Memory.Scope scope = memory.openScope()) {
        memory.zeros(Shape.of(1000 + size));
      }
      assertThat(memory.pooledBytes()).isLessThanOrEqualTo(2 * 4 * (1000 + size));
    }
    memory.close();
  }

  @Test
  void shouldRefuseClosedTensors() {
    Tensor x = engine.zeros(Shape.of(2, 3));
    Tensor view = engine.view(x, Shape.of(6));
    x.close();
    x.close();
    assertThatThrownBy(() -> engine.add(x, x))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("used after close")
        .hasMessageContaining("[2, 3]");
    assertThatThrownBy(() -> engine.download(view)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void shouldCloseWhatAScopeMadeButNotWhatItKept() {
    Tensor kept;
    Tensor made;
    try (Memory.Scope outer = engine.openScope()) {
      Tensor before = engine.zeros(Shape.of(5));
      try (Memory.Scope inner = engine.openScope()) {
        made = engine.zeros(Shape.of(2));
        kept = inner.keep(engine.zeros(Shape.of(3)));
      }
      assertThat(engine.download(before)).hasSize(5);
      assertThatThrownBy(() -> engine.download(made)).isInstanceOf(IllegalStateException.class);
    }
    assertThat(engine.download(kept)).containsExactly(0, 0, 0);
    kept.close();
    assertThat(engine.bytes(MemoryKind.ACTIVATIONS)).isZero();
  }

  @Test
  void shouldRefuseToCloseScopesOutOfOrder() {
    Memory.Scope outer = engine.openScope();
    Memory.Scope inner = engine.openScope();
    assertThatThrownBy(outer::close).isInstanceOf(IllegalStateException.class);
    inner.close();
    outer.close();
  }

  @Test
  void shouldZeroRecycledMemory() {
    Tensor x = engine.uninitialized(Shape.of(100));
    engine.fill(x, 7);
    x.close();
    assertThat(engine.download(engine.zeros(Shape.of(100)))).containsOnly(0);
    Tensor y = engine.uninitialized(Shape.of(50));
    engine.fill(y, 7);
    y.close();
    assertThat(engine.download(engine.allocate(Shape.of(50), MemoryKind.OPTIMIZER)))
        .containsOnly(0);
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void shouldShareMemoryWithViewsAndHost(DType dtype) {
    try (Engine own = new Nd4jEngine(dtype, 1)) {
      Tensor x = own.upload(Shape.of(2, 3), new double[] {0, 1, 2, 3, 4, 5});
      Tensor view = own.view(x, 2, Shape.of(3, 1));
      assertThat(own.download(view)).containsExactly(2, 3, 4);
      own.scale(view, 10);
      own.addScaled(view, 1, own.upload(Shape.of(3), new float[] {1, 1, 1}));
      assertThat(own.download(x)).containsExactly(0, 1, 21, 31, 41, 5);
      try (Memory.HostBuffer host = own.host(view, Memory.Access.READ_WRITE)) {
        assertThat(host.bytes().remaining()).isEqualTo(3 * dtype.bytes());
        if (dtype == DType.FLOAT32) {
          assertThat(host.bytes().getFloat(4)).isEqualTo(31);
          host.bytes().putFloat(4, -1);
        } else {
          assertThat(host.bytes().getDouble(8)).isEqualTo(31);
          host.bytes().putDouble(8, -1);
        }
      }
      Tensor copy = own.zeros(Shape.of(6));
      own.copy(x, copy);
      float[] floats = new float[8];
      own.download(copy, floats, 1);
      assertThat(floats).containsExactly(0, 0, 1, 21, -1, 41, 5, 0);
    }
  }

  @Test
  void shouldNameTheShapesThatDoNotFit() {
    Tensor x = engine.zeros(Shape.of(2, 8, 8, 3));
    Tensor w = engine.zeros(Shape.of(3, 3, 4, 5));
    assertThatThrownBy(() -> engine.convolution(x, w, Window.square(3, 1, 1), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[2, 8, 8, 3]")
        .hasMessageContaining("[3, 3, 4, 5]");
    assertThatThrownBy(() -> engine.convolution(x, w, Window.square(5, 1, 1), 1))
        .hasMessageContaining("the kernel must be the window's");
    assertThatThrownBy(() -> engine.add(x, w)).hasMessageContaining("[3, 3, 4, 5]");
    assertThatThrownBy(
            () ->
                engine.matmul(
                    engine.zeros(Shape.of(2, 3)), false, engine.zeros(Shape.of(2, 3)), false))
        .hasMessageContaining("inner dims");
    assertThatThrownBy(() -> engine.copyRegion(x, 0, 4, x, 0, 0, 8, 5))
        .hasMessageContaining("columns 4 to 9");
    assertThatThrownBy(() -> engine.view(x, Shape.of(5))).hasMessageContaining("[5]");
    assertThatThrownBy(() -> engine.zeros(Shape.of(1 << 20, 1 << 10)))
        .hasMessageContaining("at most");
    assertThatThrownBy(() -> new Nd4jEngine(DType.BFLOAT16, 1)).hasMessageContaining("FLOAT32");
    assertThatThrownBy(() -> new Nd4jEngine(DType.FLOAT32, 0)).hasMessageContaining("at least 1");
    try (Engine other = new Nd4jEngine(DType.FLOAT32, 1)) {
      assertThatThrownBy(() -> other.add(x, x)).hasMessageContaining("another engine");
    }
  }

  @Test
  void shouldComputeOnSeveralThreadsAtOnce() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      Future<double[]> first = threads.submit(MemoryTest::train);
      Future<double[]> second = threads.submit(MemoryTest::train);
      double[] expected = train();
      assertThat(first.get(60, TimeUnit.SECONDS)).containsExactly(expected, within(0.0));
      assertThat(second.get(60, TimeUnit.SECONDS)).containsExactly(expected, within(0.0));
    } finally {
      threads.shutdownNow();
    }
  }

  private static double[] train() {
    try (Engine own = new Nd4jEngine(DType.FLOAT32, 1)) {
      Window window = Window.square(3, 1, 1);
      Tensor x = own.upload(Shape.of(2, 16, 16, 8), GradientTest.random(Shape.of(4096), 1));
      Tensor w = own.upload(Shape.of(3, 3, 8, 8), GradientTest.random(Shape.of(576), 2));
      for (int step = 0; step < 50; step++) {
        try (Memory.Scope scope = own.openScope()) {
          Tensor y = own.convolution(x, w, window, 1);
          own.addScaled(w, -1e-4, own.convolutionBackward(x, w, y, window, 1).dw());
        }
      }
      return own.download(w);
    }
  }
}
