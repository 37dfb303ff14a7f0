using FastVcpu.Linux.Snapshots;

namespace FastVcpu.Linux.Memory;

/// <summary>What is mapped where, as data. The contents are those of <see cref="Space"/>, which is saved and restored by itself.</summary>
sealed partial class GuestMemory : IStateful
{
    /// <summary>vm.max_map_count, and some.</summary>
    const int MostMappings = 1 << 16;

    public void Transfer(StateTransfer state)
    {
        lock (_lock)
        {
            ReadImpliesExecute = state.Value(ReadImpliesExecute);
            state.Value(ref _breakStart);
            state.Value(ref _break);
            state.Require(_breakStart % PageSize == 0 && _breakStart <= _break && _break <= Abi.UserLimit);
            List<SharedMemory> shared = state.IsRestoring ? [] : [.. _mappings.All.Select(mapping => mapping.Shared).OfType<SharedMemory>().Distinct()];
            int sharedCount = state.Count(shared.Count, MostMappings);
            ulong left = _limit;
            for (int i = 0; i < sharedCount; i++)
            {
                int size = state.Value(state.IsRestoring ? 0 : shared[i].Size);
                state.Require(size > 0 && (ulong)size % PageSize == 0 && (ulong)size <= left);
                left -= (ulong)size;
                if (state.IsRestoring)
                {
                    shared.Add(SharedMemory.Anonymous((ulong)size));
                }
            }

            int count = state.Count(_mappings.All.Count, MostMappings);
            MappingList restored = new();
            ulong end = 0;
            for (int i = 0; i < count; i++)
            {
                GuestMapping mapping = Transfer(state, state.IsRestoring ? new GuestMapping(0, 0, MemoryProtection.None, "", 0, null) : _mappings.All[i], shared);
                state.Require(mapping.Start >= end && mapping.Start < mapping.End && mapping.End <= Abi.UserLimit && (mapping.Start | mapping.End) % PageSize == 0);
                end = mapping.End;
                if (state.IsRestoring)
                {
                    restored.Add(mapping);
                }
            }

            if (state.IsRestoring)
            {
                _mappings.CopyFrom(restored);
            }
        }
    }

    /// <summary>The contents have been restored: shows memory that several mappings share, and refuses contents that do not belong to the mappings.</summary>
    public void FinishRestoring()
    {
        lock (_lock)
        {
            List<MappedRegion> wanted = [];
            foreach (GuestMapping mapping in _mappings.All)
            {
                PagePermissions permissions = Permissions(mapping.Protection);
                bool continues = wanted is [.., MappedRegion last] && last.Start + last.Size == mapping.Start && last.Permissions == permissions;
                if (continues)
                {
                    wanted[^1] = wanted[^1] with { Size = wanted[^1].Size + mapping.Size };
                }
                else
                {
                    wanted.Add(new MappedRegion(mapping.Start, mapping.Size, permissions));
                }
            }

            if (!wanted.SequenceEqual(Space.Regions))
            {
                throw new SnapshotException("The snapshot's memory is not what the program has mapped.");
            }

            foreach (GuestMapping mapping in _mappings.All)
            {
                if (mapping.Shared is { } shared)
                {
                    Memory<byte> part = shared.Slice(mapping.Offset, mapping.Size);
                    Space.Read(mapping.Start, part.Span);
                    Space.Map(mapping.Start, part, Permissions(mapping.Protection));
                }
            }
        }
    }

    static GuestMapping Transfer(StateTransfer state, GuestMapping mapping, List<SharedMemory> shared)
    {
        ulong start = state.Value(mapping.Start), end = state.Value(mapping.End), offset = state.Value(mapping.Offset);
        int protection = state.Value((int)mapping.Protection), number = state.Value(mapping.Shared == null ? -1 : shared.IndexOf(mapping.Shared));
        string name = state.Path(mapping.Name);
        state.Require(protection is >= 0 and <= (int)MemoryProtection.All && number >= -1 && number < shared.Count && start < end);
        state.Require(number < 0 || offset <= (ulong)shared[number].Size && end - start <= (ulong)shared[number].Size - offset);
        return new GuestMapping(start, end, (MemoryProtection)protection, name, offset, number < 0 ? null : shared[number]);
    }
}
