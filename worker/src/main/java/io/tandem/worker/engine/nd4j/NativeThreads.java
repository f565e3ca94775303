package io.tandem.worker.engine.nd4j;

import org.bytedeco.openblas.global.openblas;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * How many OpenMP threads the native libraries start. That number belongs to the Java thread that
 * calls them, so it is told again when another thread takes the engine over.
 */
final class NativeThreads {
  private final int threads;
  private Thread told;

  NativeThreads(int threads) {
    this.threads = threads;
    // Loads the backend: the native operations are not there before.
    Nd4j.getBackend();
    // OpenBLAS gets one thread: its idle threads spin on cores that the next kernel needs.
    openblas.blas_set_num_threads(1);
    tell();
  }

  /** Makes the number hold for the calling thread. */
  void tell() {
    if (told != Thread.currentThread()) {
      NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
      told = Thread.currentThread();
    }
  }
}
