package io.tandem.worker.engine.nd4j;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which of ND4J's native builds fits the processor. The class path holds the one with oneDNN, whose
 * own code is compiled for AVX2 (oneDNN goes beyond that by itself), and the plain one, which runs
 * on every x86-64 but is many times slower.
 */
final class NativeBuild {
  private static final Logger LOG = LoggerFactory.getLogger(NativeBuild.class);

  /** JavaCPP's name for the suffixes of the builds it shall look for; empty is the plain one. */
  static final String PROPERTY = "org.bytedeco.javacpp.platform.extension";

  private NativeBuild() {}

  /** Before the first call of ND4J. What a user has chosen by the property stays. */
  static void choose() {
    Path processors = Path.of("/proc/cpuinfo");
    if (System.getProperty(PROPERTY) != null || !Files.isReadable(processors)) {
      return;
    }
    try {
      if (!hasAvx2(Files.readString(processors))) {
        System.setProperty(PROPERTY, "");
        LOG.warn("this processor has no AVX2: ND4J's plain build is used, many times slower");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether the first processor of Linux' list, and so every one, has AVX2. */
  static boolean hasAvx2(String processors) {
    return processors
        .lines()
        .filter(line -> line.startsWith("flags"))
        .findFirst()
        .map(line -> (line + " ").contains(" avx2 "))
        .orElse(false);
  }
}
