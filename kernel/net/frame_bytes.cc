#include "net/frame_bytes.hh"

#include <algorithm>

#include "core/byte_order.hh"
#include "net/checksum.hh"

namespace plumbline::net {

std::optional<uint64_t> sum_frame(const PacketBuffer& frame, uint32_t offset, uint32_t length,
                                  uint64_t sum) {
  if (offset > frame.length) return std::nullopt;
  const uint32_t in_first = std::min(frame.length - offset, length);
  sum = sum_bytes({frame.data + offset, in_first}, sum);
  uint32_t left = length - in_first;
  bool odd = in_first % 2 != 0;
  for (const PacketBuffer* rest = frame.next; left != 0; rest = rest->next) {
    if (rest == nullptr) return std::nullopt;
    const uint32_t here = std::min(rest->length, left);
    // A piece that starts at an odd place has its bytes in the other halves of the words (RFC 1071,
    // section 2, B).
    const uint16_t piece = fold_sum(sum_bytes({rest->data, here}));
    sum = add_with_carry(sum, odd ? byte_swap(piece) : piece);
    odd = odd != (here % 2 != 0);
    left -= here;
  }
  return sum;
}

}  // namespace plumbline::net
