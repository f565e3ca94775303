package io.tandem.worker.data;

import io.tandem.protocol.job.DataSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarFile;

/**
 * WebDataset's layout: files {@code train*.tar} and {@code test*.tar}, in which {@code KEY.jpg} (or
 * jpeg, png) is a picture and {@code KEY.cls} its class as a number; without one it is unlabelled.
 * A key is a path up to the first dot of its last part. Opening reads the archives' headers and
 * classes; a picture is read from its place when it is asked for, so that samples have numbers, an
 * epoch every one of them once, and a resumed job, on any mesh, goes on where it stopped.
 */
final class TarShards {
  private static final String LAYOUT =
      "format tar needs train*.tar and test*.tar with KEY.jpg (or jpeg, png) and KEY.cls";

  private static final Set<String> PICTURES = Set.of("jpg", "jpeg", "png");

  /** More than any picture is worth. */
  private static final long LARGEST_PICTURE = 64L << 20;

  private static final long LARGEST_CLASS = 20;

  private TarShards() {}

  static DataSet open(Path directory, DataSpec spec) {
    ImageCodec codec = new ImageCodec(spec.imageHeight(), spec.imageWidth(), spec.channels());
    List<TarPicture> test = split(directory, "test", spec);
    for (TarPicture entry : test) {
      if (entry.label() == ImageSource.UNLABELED) {
        throw new DataException(entry.name() + " is a test image and has no .cls; add its class");
      }
    }
    return new DataSet(
        TarPicture.source(split(directory, "train", spec), codec), TarPicture.source(test, codec));
  }

  private static List<TarPicture> split(Path directory, String prefix, DataSpec spec) {
    List<Path> shards;
    try (Stream<Path> files = Files.list(directory)) {
      shards =
          files
              .filter(file -> file.getFileName().toString().matches(prefix + ".*\\.tar"))
              .sorted()
              .toList();
    } catch (IOException e) {
      throw new DataException(directory + " cannot be listed: " + e.getMessage(), e);
    }
    if (shards.isEmpty()) {
      throw new DataException(directory + " holds no " + prefix + "*.tar; " + LAYOUT);
    }
    List<TarPicture> entries = new ArrayList<>();
    for (Path shard : shards) {
      try (TarFile tar = new TarFile(shard)) {
        entries.addAll(entries(shard, tar, spec));
      } catch (IOException | IllegalArgumentException e) {
        throw new DataException(
            shard + " is no whole tar archive (" + e.getMessage() + "); write it again", e);
      }
    }
    return entries;
  }

  private static List<TarPicture> entries(Path shard, TarFile tar, DataSpec spec)
      throws IOException {
    Map<String, TarArchiveEntry> pictures = new LinkedHashMap<>();
    Map<String, TarArchiveEntry> classes = new LinkedHashMap<>();
    for (TarArchiveEntry file : tar.getEntries()) {
      String name = file.getName();
      int dot = name.indexOf('.', name.lastIndexOf('/') + 1);
      if (!file.isFile() || dot < 0) {
        continue;
      }
      String key = name.substring(0, dot);
      String extension = name.substring(dot + 1).toLowerCase(Locale.ROOT);
      Map<String, TarArchiveEntry> kind =
          PICTURES.contains(extension) ? pictures : extension.equals("cls") ? classes : null;
      if (kind != null && kind.put(key, file) != null) {
        throw new DataException(shard + " holds " + key + " twice; keys must differ in a shard");
      }
    }
    List<TarPicture> entries = new ArrayList<>();
    for (Map.Entry<String, TarArchiveEntry> picture : pictures.entrySet()) {
      TarArchiveEntry file = picture.getValue();
      String name = shard.getFileName() + "/" + file.getName();
      refuseLonger(file, LARGEST_PICTURE, name);
      int label = label(tar, classes.get(picture.getKey()), shard, spec);
      entries.add(
          new TarPicture(
              shard, name, file.getDataOffset(), Math.toIntExact(file.getSize()), label));
    }
    return entries;
  }

  private static void refuseLonger(TarArchiveEntry file, long limit, String name) {
    if (file.isSparse() || file.getSize() > limit) {
      throw new DataException(
          name + " has " + file.getSize() + " bytes, allowed are " + limit + ", none left out");
    }
  }

  private static int label(TarFile tar, TarArchiveEntry file, Path shard, DataSpec spec)
      throws IOException {
    if (file == null) {
      return ImageSource.UNLABELED;
    }
    String name = shard.getFileName() + "/" + file.getName();
    refuseLonger(file, LARGEST_CLASS, name);
    String text;
    try (var in = tar.getInputStream(file)) {
      text = new String(in.readAllBytes(), StandardCharsets.US_ASCII).strip();
    }
    try {
      return Labels.checked(Integer.parseInt(text), spec.classes(), name);
    } catch (NumberFormatException e) {
      throw new DataException(
          name + " is '" + text + "', a class is a number from 0 to " + (spec.classes() - 1), e);
    }
  }
}
