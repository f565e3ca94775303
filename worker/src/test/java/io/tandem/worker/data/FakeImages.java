package io.tandem.worker.data;

import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** Images whose every pixel is their number; some broken; counts what is decoded. */
record FakeImages(int count, int classes, int size, Set<Integer> broken, AtomicInteger decoded)
    implements ImageSource {
  FakeImages(int count, int classes, int size, Set<Integer> broken) {
    this(count, classes, size, broken, new AtomicInteger());
  }

  @Override
  public int label(int index) {
    return index % classes;
  }

  @Override
  public String name(int index) {
    return "fake-" + index;
  }

  @Override
  public byte[] decode(int index) throws UnreadableImageException {
    decoded.incrementAndGet();
    if (broken.contains(index)) {
      throw new UnreadableImageException("broken on purpose");
    }
    byte[] pixels = new byte[size];
    java.util.Arrays.fill(pixels, (byte) index);
    return pixels;
  }
}
