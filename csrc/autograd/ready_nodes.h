// The nodes that wait to run in a backward pass, and the gradients that reached them.
#pragma once

#include <algorithm>
#include <vector>

#include "csrc/autograd/node.h"

namespace pygrad {

using Buffer = SmallVector<Tensor, 1>;  // one gradient per output of a node

// Where a waiting node's gradients are: a small hash table with linear probing, since a pass asks
// it once for every edge.
class NodeIndex {
 public:
  // The place for `node`'s number; a fresh one holds kNone.
  uint32_t& operator[](const Node* node) {
    if (2 * (used_ + 1) > entries_.size()) grow();
    size_t i = home(node);
    while (entries_[i].node && entries_[i].node != node) i = next(i);
    if (!entries_[i].node) {
      entries_[i] = {node, kNone};
      ++used_;
    }
    return entries_[i].number;
  }
  uint32_t find(const Node* node) const {
    size_t i = home(node);
    while (entries_[i].node && entries_[i].node != node) i = next(i);
    return entries_[i].node ? entries_[i].number : kNone;
  }
  void erase(const Node* node) {
    size_t hole = home(node);
    while (entries_[hole].node != node) hole = next(hole);
    // Close the gap: what probed past it moves up, so that no markers pile up.
    for (size_t i = next(hole); entries_[i].node; i = next(i)) {
      const size_t distance = (i - home(entries_[i].node)) & (entries_.size() - 1);
      if (distance < ((i - hole) & (entries_.size() - 1))) continue;
      entries_[hole] = entries_[i];
      hole = i;
    }
    entries_[hole].node = nullptr;
    --used_;
  }
  static constexpr uint32_t kNone = UINT32_MAX;

 private:
  struct Entry {
    const Node* node = nullptr;
    uint32_t number = kNone;
  };
  size_t home(const Node* node) const {
    const uint64_t hash = reinterpret_cast<uintptr_t>(node) * 0x9E3779B97F4A7C15u;
    return size_t(hash >> 32) & (entries_.size() - 1);
  }
  size_t next(size_t i) const { return (i + 1) & (entries_.size() - 1); }
  void grow() {
    std::vector<Entry> old(entries_.size() * 2);
    old.swap(entries_);
    for (const Entry& e : old) {
      if (!e.node) continue;
      size_t i = home(e.node);
      while (entries_[i].node) i = next(i);
      entries_[i] = e;
    }
  }
  std::vector<Entry> entries_ = std::vector<Entry>(64);
  size_t used_ = 0;
};

// The nodes that wait to run, with the gradients that reached them so far; a slot is reused when
// its node ran.
class ReadyNodes {
 public:
  struct Slot {
    NodePtr node;
    Buffer grads;
  };

  // The buffer of `node`, which is queued when this is its first gradient.
  Buffer& of(const NodePtr& node) {
    uint32_t& number = index_[node.get()];
    if (number == NodeIndex::kNone) {
      if (free_.empty()) {
        number = uint32_t(slots_.size());
        slots_.emplace_back();
      } else {
        number = free_.back();
        free_.pop_back();
      }
      Slot& s = slots_[number];
      s.node = node;
      for (uint32_t i = 0; i < std::max<uint32_t>(node->outputs.size(), 1); ++i)
        s.grads.push_back({});
      heap_.push_back({node->sequence, number});
      std::push_heap(heap_.begin(), heap_.end());
    }
    return slots_[number].grads;
  }
  // What reached the edge so far; null or undefined for nothing.
  Tensor* waiting(const Edge& edge) {
    const uint32_t number = index_.find(edge.node.get());
    return number == NodeIndex::kNone ? nullptr : &slots_[number].grads[edge.nr];
  }
  bool empty() const { return heap_.empty(); }
  Slot pop() {
    std::pop_heap(heap_.begin(), heap_.end());
    const uint32_t number = heap_.back().second;
    heap_.pop_back();
    Slot r = std::move(slots_[number]);
    index_.erase(r.node.get());
    free_.push_back(number);
    return r;
  }

 private:
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  std::vector<std::pair<uint64_t, uint32_t>> heap_;
  NodeIndex index_;
};

}  // namespace pygrad
