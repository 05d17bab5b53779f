// What a run has answered so far, on the disk: each sample is there once it has been graded, so that a run which is
// interrupted, or killed, goes on where it stopped.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/json_fwd.h"
#include "eval/rescoring.h"
#include "eval/sample.h"

namespace retort::eval {

/// FOLDER/samples.sqlite, in WAL mode and synced at each sample: what add() has acknowledged outlives a kill and a
/// power cut. One process at a time writes to a folder; others may read. Thread-safe.
class SampleStore {
 public:
  /// Makes the folder, or goes on with the run in it. `config` is an object with all that decides what is asked and how
  /// it is graded.
  ///   kInvalidArgument  the folder holds a run with another config; the message says what differs
  ///   kIo               another process is writing to it, at once and without waiting; or the disk refused
  ///   kCorrupt          the file is none of ours, or of a newer version
  static Expected<SampleStore> open(const std::filesystem::path& folder, const Json& config);
  /// kNotFound where there is no run.
  static Expected<SampleStore> open_to_read(const std::filesystem::path& folder);

  /// The run in the folder, whatever its configuration, to grade it again. kNotFound where there is none; else as
  /// open().
  static Expected<SampleStore> open_to_regrade(const std::filesystem::path& folder);

  ~SampleStore();
  SampleStore(SampleStore&& other) noexcept;
  SampleStore& operator=(SampleStore&&) = delete;

  /// On the disk when it returns. kInvalidArgument if that sample of the question is there already.
  Status add(const Sample& sample);
  /// In place of the one with the same question and index: grading again without generating again.
  Status replace(const Sample& sample);
  /// Replaces all of `samples`, makes `rescoring.after` the rules in the run's configuration (and so changes its hash),
  /// and keeps `rescoring`: all of it, or, where it fails or the process dies, nothing.
  Status regrade(std::span<const Sample> samples, Rescoring rescoring);

  /// Which are there: (question id, sample index).
  [[nodiscard]] Expected<std::set<std::pair<std::string, std::int64_t>>> done() const;
  /// All, by row and index.
  [[nodiscard]] Expected<std::vector<Sample>> samples() const;

  /// From opening to the last sample that was added, of all the times that the run was begun or taken up; 0 of one of
  /// the version that did not keep it.
  [[nodiscard]] Expected<double> seconds() const;

  /// How often it was graded again, the oldest first.
  [[nodiscard]] Expected<std::vector<Rescoring>> rescorings() const;

  [[nodiscard]] const Json& config() const;
  /// sha256 of the config's canonical text: short for "the same run".
  [[nodiscard]] const std::string& config_hash() const;
  /// When it was begun first, in UTC: "2025-01-31T12:00:00Z".
  [[nodiscard]] const std::string& started_at() const;

 private:
  struct Impl;
  explicit SampleStore(std::unique_ptr<Impl> impl);
  static Expected<std::unique_ptr<Impl>> open_to_write(const std::filesystem::path& folder);
  Status write(const Sample& sample, std::string_view sql);
  std::unique_ptr<Impl> impl_;
};

/// sha256 of a config's JSON text with sorted keys.
Expected<std::string> config_hash_of(const Json& config);

}  // namespace retort::eval
