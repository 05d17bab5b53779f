// strftime in the C locale, whatever the process has set: prompts must not depend on where they are made.
#include <array>
#include <ctime>

#include "text/jinja/functions.h"

namespace retort::jinja {
namespace {

constexpr std::array<std::string_view, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};

std::string_view day(const std::tm& t) { return kDays[static_cast<std::size_t>(t.tm_wday) % 7]; }
std::string_view month(const std::tm& t) { return kMonths[static_cast<std::size_t>(t.tm_mon) % 12]; }
int hour12(const std::tm& t) { return t.tm_hour % 12 == 0 ? 12 : t.tm_hour % 12; }

// ISO 8601: week 1 is the one with the year's first Thursday.
struct IsoWeek {
  int year;
  int week;
};
IsoWeek iso_week(const std::tm& t) {
  const int weekday = (t.tm_wday + 6) % 7;  // Monday is 0
  const int year = t.tm_year + 1900;
  const int week = (t.tm_yday - weekday + 10) / 7;
  const auto weeks_in = [&](int y) {
    const auto last_weekday = [](int of) { return (of + of / 4 - of / 100 + of / 400) % 7; };
    return last_weekday(y) == 4 || last_weekday(y - 1) == 3 ? 53 : 52;
  };
  if (week < 1) return {year - 1, weeks_in(year - 1)};
  if (week > weeks_in(year)) return {year + 1, 1};
  return {year, week};
}

std::string directive(char c, const std::tm& t, long microseconds) {
  const int year = t.tm_year + 1900;
  switch (c) {
    case 'a':
      return std::string(day(t).substr(0, 3));
    case 'A':
      return std::string(day(t));
    case 'b':
    case 'h':
      return std::string(month(t).substr(0, 3));
    case 'B':
      return std::string(month(t));
    case 'c':
      return fmt::format("{} {} {:2} {:02}:{:02}:{:02} {}", day(t).substr(0, 3), month(t).substr(0, 3), t.tm_mday,
                         t.tm_hour, t.tm_min, t.tm_sec, year);
    case 'C':
      return fmt::format("{:02}", year / 100);
    case 'd':
      return fmt::format("{:02}", t.tm_mday);
    case 'D':
    case 'x':
      return fmt::format("{:02}/{:02}/{:02}", t.tm_mon + 1, t.tm_mday, year % 100);
    case 'e':
      return fmt::format("{:2}", t.tm_mday);
    case 'f':
      return fmt::format("{:06}", microseconds);
    case 'F':
      return fmt::format("{}-{:02}-{:02}", year, t.tm_mon + 1, t.tm_mday);
    case 'g':
      return fmt::format("{:02}", iso_week(t).year % 100);
    case 'G':
      return fmt::format("{}", iso_week(t).year);
    case 'H':
      return fmt::format("{:02}", t.tm_hour);
    case 'I':
      return fmt::format("{:02}", hour12(t));
    case 'j':
      return fmt::format("{:03}", t.tm_yday + 1);
    case 'k':
      return fmt::format("{:2}", t.tm_hour);
    case 'l':
      return fmt::format("{:2}", hour12(t));
    case 'm':
      return fmt::format("{:02}", t.tm_mon + 1);
    case 'M':
      return fmt::format("{:02}", t.tm_min);
    case 'n':
      return "\n";
    case 'p':
      return t.tm_hour < 12 ? "AM" : "PM";
    case 'P':
      return t.tm_hour < 12 ? "am" : "pm";
    case 'r':
      return fmt::format("{:02}:{:02}:{:02} {}", hour12(t), t.tm_min, t.tm_sec, t.tm_hour < 12 ? "AM" : "PM");
    case 'R':
      return fmt::format("{:02}:{:02}", t.tm_hour, t.tm_min);
    case 'S':
      return fmt::format("{:02}", t.tm_sec);
    case 't':
      return "\t";
    case 'T':
    case 'X':
      return fmt::format("{:02}:{:02}:{:02}", t.tm_hour, t.tm_min, t.tm_sec);
    case 'u':
      return fmt::format("{}", t.tm_wday == 0 ? 7 : t.tm_wday);
    case 'U':
      return fmt::format("{:02}", (t.tm_yday + 7 - t.tm_wday) / 7);
    case 'V':
      return fmt::format("{:02}", iso_week(t).week);
    case 'w':
      return fmt::format("{}", t.tm_wday);
    case 'W':
      return fmt::format("{:02}", (t.tm_yday + 7 - (t.tm_wday + 6) % 7) / 7);
    case 'y':
      return fmt::format("{:02}", year % 100);
    case 'Y':
      return fmt::format("{}", year);
    case 'z':
    case 'Z':
      return "";  // a time without a zone, as datetime.now() gives it
    case '%':
      return "%";
    default:
      return std::string("%") + c;
  }
}

}  // namespace

std::string format_time(std::string_view format, const std::tm& time, long microseconds) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    char c = format[++i];
    if (c != '-' || i + 1 == format.size()) {
      out += directive(c, time, microseconds);
      continue;
    }
    // "%-d": without the padding
    c = format[++i];
    std::string text = directive(c, time, microseconds);
    constexpr std::string_view kNumbers = "CdegHIjklmMSUVWy";
    if (kNumbers.find(c) != std::string_view::npos) {
      const auto first = text.find_first_not_of("0 ");
      text = first == std::string::npos ? "0" : text.substr(first);
    }
    out += text;
  }
  return out;
}

}  // namespace retort::jinja
