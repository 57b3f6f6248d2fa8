// A link's conditions as options of a command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/simulator/link.hh"

namespace plumbline::net::simulator {

class LinkOptions {
 public:
  // For --help: one option a line.
  static const char* help();

  // Takes one option with its value. False: it is not an option of links. `error` says what is
  // wrong with the value, or stays empty.
  bool take(std::string_view option, std::string_view value, std::string& error);
  // Changes what was given and leaves everything else.
  void apply(LinkConditions& conditions) const;
  // The options as they were given, each with a blank in front.
  const std::string& text() const { return text_; }

 private:
  using Change = void (*)(LinkConditions& to, double value);

  struct Given {
    Change change;
    double value;
  };
  std::vector<Given> given_;
  std::string text_;
};

}  // namespace plumbline::net::simulator
