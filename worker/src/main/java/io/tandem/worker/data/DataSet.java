package io.tandem.worker.data;

import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.storage.Storage;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The images of a job.
 *
 * @param train labelled and unlabelled images
 * @param test labelled images that training never sees
 */
public record DataSet(ImageSource train, ImageSource test) {

  /**
   * Opens the files that the job names and checks their structure; reads no pictures of the layouts
   * folder, csv and tar yet.
   *
   * @throws DataException when something is missing, malformed or at odds with the job
   */
  public static DataSet open(DataSpec spec) {
    Path directory;
    try {
      directory = Storage.path(spec.path());
    } catch (IllegalArgumentException e) {
      throw new DataException("data.path: " + e.getMessage(), e);
    }
    return open(directory, spec);
  }

  static DataSet open(Path directory, DataSpec spec) {
    try {
      return opened(directory, spec);
    } catch (UncheckedIOException e) {
      throw new DataException(e.getCause().getMessage(), e);
    }
  }

  private static DataSet opened(Path directory, DataSpec spec) {
    if (!Files.isDirectory(directory)) {
      throw new DataException(
          "data.path: "
              + directory.toAbsolutePath()
              + (Files.exists(directory) ? " is a file" : " does not exist on this worker")
              + "; give a directory that every worker can read, or s3://BUCKET/PREFIX");
    }
    DataSet opened =
        switch (spec.format()) {
          case IDX -> IdxFiles.open(directory, spec);
          case CIFAR10 -> CifarFiles.open(directory, spec);
          case FOLDER -> PictureFolder.open(directory, spec);
          case CSV -> PictureList.open(directory, spec);
          case TAR -> TarShards.open(directory, spec);
        };
    if (opened.train().count() == 0 || opened.test().count() == 0) {
      throw new DataException(
          directory
              + " holds "
              + opened.train().count()
              + " training and "
              + opened.test().count()
              + " test images; both must be at least 1");
    }
    return opened;
  }
}
