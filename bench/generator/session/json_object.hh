// Reads fields of a JSON object strictly: each is required unless it has a default, has a type and
// bounds, and what was not asked for is refused.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

namespace plumbline::generator {

class JsonObject {
 public:
  JsonObject(const nlohmann::json& value, std::string path)
      : value_(value), path_(std::move(path)) {
    if (!value.is_object()) fail("", "expected an object, got " + value.dump());
  }

  bool has(const std::string& name) const { return value_.contains(name); }

  double number(const std::string& name, double minimum, double maximum,
                const double* otherwise = nullptr) {
    const nlohmann::json* field = find(name, otherwise != nullptr);
    if (field == nullptr) return *otherwise;
    if (!field->is_number() || field->get<double>() < minimum || field->get<double>() > maximum) {
      fail(name, field->dump() + " is not a number from " + nlohmann::json(minimum).dump() +
                     " to " + nlohmann::json(maximum).dump());
    }
    return field->get<double>();
  }
  double number_or(const std::string& name, double minimum, double maximum, double otherwise) {
    return number(name, minimum, maximum, &otherwise);
  }
  uint64_t integer(const std::string& name, uint64_t minimum, uint64_t maximum) {
    return integer_or(name, minimum, maximum, nullptr);
  }
  uint64_t integer_or(const std::string& name, uint64_t minimum, uint64_t maximum,
                      const uint64_t* otherwise) {
    const nlohmann::json* field = find(name, otherwise != nullptr);
    if (field == nullptr) return *otherwise;
    if (!field->is_number_unsigned() || field->get<uint64_t>() < minimum ||
        field->get<uint64_t>() > maximum) {
      fail(name, field->dump() + " is not an integer from " + std::to_string(minimum) + " to " +
                     std::to_string(maximum));
    }
    return field->get<uint64_t>();
  }
  bool boolean_or(const std::string& name, bool otherwise) {
    const nlohmann::json* field = find(name, true);
    if (field == nullptr) return otherwise;
    if (!field->is_boolean()) fail(name, field->dump() + " is neither true nor false");
    return field->get<bool>();
  }
  std::string text(const std::string& name, size_t minimum, size_t maximum) {
    const nlohmann::json* field = find(name, false);
    if (!field->is_string() || field->get<std::string>().size() < minimum ||
        field->get<std::string>().size() > maximum) {
      fail(name, field->dump() + " is not a text of " + std::to_string(minimum) + " to " +
                     std::to_string(maximum) + " bytes");
    }
    return field->get<std::string>();
  }
  template <class T>
  T choice(const std::string& name, std::initializer_list<std::pair<const char*, T>> choices,
           const T* otherwise = nullptr) {
    const nlohmann::json* field = find(name, otherwise != nullptr);
    if (field == nullptr) return *otherwise;
    std::string allowed;
    for (const auto& [word, value] : choices) {
      if (*field == word) return value;
      allowed += (allowed.empty() ? "" : ", ") + std::string(word);
    }
    fail(name, field->dump() + ": allowed are " + allowed);
  }
  JsonObject object(const std::string& name) {
    return JsonObject(*find(name, false), path_ + name + ".");
  }
  // The field as it is, or null.
  const nlohmann::json* optional(const std::string& name) { return find(name, true); }

  // Refuses fields that nobody has asked for.
  void end() const {
    for (const auto& [name, value] : value_.items()) {
      if (!known_.contains(name)) fail(name, "unknown field");
    }
  }
  [[noreturn]] void fail(const std::string& name, const std::string& message) const {
    throw std::invalid_argument(path_ + name + ": " + message);
  }

 private:
  const nlohmann::json* find(const std::string& name, bool may_be_missing) {
    known_.insert(name);
    const auto field = value_.find(name);
    if (field != value_.end()) return &*field;
    if (!may_be_missing) fail(name, "missing");
    return nullptr;
  }

  const nlohmann::json& value_;
  std::string path_;
  std::set<std::string> known_;
};

}  // namespace plumbline::generator
