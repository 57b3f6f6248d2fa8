// From a member back to the object that it is part of: what intrusive containers hand out.
#pragma once

namespace plumbline {

// The object whose `Member` is `*member`. offsetof does not take a member pointer; this is its
// equivalent for one.
template <auto Member, typename T, typename M>
T* member_owner(M* member, M T::*) {
  alignas(T) static const char layout[sizeof(T)] = {};
  const auto* object = reinterpret_cast<const T*>(layout);
  const auto offset = reinterpret_cast<const char*>(&(object->*Member)) - layout;
  return reinterpret_cast<T*>(reinterpret_cast<char*>(member) - offset);
}
template <auto Member, typename M>
auto* member_owner(M* member) {
  return member_owner<Member>(member, Member);
}

}  // namespace plumbline
