package io.tandem.worker.data;

import io.tandem.protocol.job.DataSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A directory with {@code train/CLASS/picture}, {@code test/CLASS/picture} and, if wanted, {@code
 * unlabeled/picture}. Classes are numbered in the order of their names; hidden files are passed
 * over.
 */
final class PictureFolder {
  private static final String LAYOUT =
      "format folder needs train/CLASS/* and test/CLASS/*, and may have unlabeled/*";

  private PictureFolder() {}

  static DataSet open(Path directory, DataSpec spec) {
    List<String> classes = list(directory.resolve("train"), Files::isDirectory);
    if (classes.size() != spec.classes()) {
      throw new DataException(
          directory.resolve("train")
              + " holds "
              + classes.size()
              + " class directories, but"
              + " data.classes is "
              + spec.classes()
              + "; make the two agree");
    }
    for (String name : list(directory.resolve("test"), Files::isDirectory)) {
      if (!classes.contains(name)) {
        throw new DataException(
            directory.resolve("test").resolve(name)
                + " is no class of train; allowed are "
                + classes
                + "; rename or remove it");
      }
    }
    List<FilePicture> train = labeled(directory, "train", classes);
    Path unlabeled = directory.resolve("unlabeled");
    if (Files.isDirectory(unlabeled)) {
      for (String name : list(unlabeled, Files::isRegularFile)) {
        train.add(new FilePicture("unlabeled/" + name, ImageSource.UNLABELED));
      }
    }
    ImageCodec codec = new ImageCodec(spec.imageHeight(), spec.imageWidth(), spec.channels());
    return new DataSet(
        FilePicture.source(directory, train, codec),
        FilePicture.source(directory, labeled(directory, "test", classes), codec));
  }

  private static List<FilePicture> labeled(Path directory, String split, List<String> classes) {
    List<FilePicture> entries = new ArrayList<>();
    for (int k = 0; k < classes.size(); k++) {
      Path folder = directory.resolve(split).resolve(classes.get(k));
      if (Files.isDirectory(folder)) {
        for (String name : list(folder, Files::isRegularFile)) {
          entries.add(new FilePicture(split + "/" + classes.get(k) + "/" + name, k));
        }
      }
    }
    return entries;
  }

  private static List<String> list(Path folder, Predicate<Path> kind) {
    if (!Files.isDirectory(folder)) {
      throw new DataException(folder + " does not exist; " + LAYOUT);
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(kind)
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.startsWith("."))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new DataException(folder + " cannot be listed: " + e.getMessage(), e);
    }
  }
}
