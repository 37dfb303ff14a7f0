namespace FastVcpu.Linux.Process;

/// <summary>Whose turn it is, and how far the calls are that wait, as data: a program goes on as if it had not stood still.</summary>
sealed partial class Turns : IStateful
{
    public void Transfer(StateTransfer state)
    {
        state.Value(ref _place, 0, _threads.Count - 1);
        state.Value(ref _isOver);
        state.Value(ref _retired, 0, long.MaxValue);
        state.Timer(_timer);
        _system.Main.Timer.TransferExactly(state);
        if (state.IsRestoring)
        {
            Switch(_threads[_place]);
        }

        List<(FutexWaiter Waiter, int Place)> waiters = [];
        foreach (GuestThread thread in _threads)
        {
            thread.TransferRegisters(state);
            thread.TransferCall(state);
            if (!state.Value(thread.FutexWaiter != null))
            {
                thread.FutexWaiter = null;
                continue;
            }

            FutexWaiter waiter = thread.FutexWaiter ?? new FutexWaiter(thread, 0, 0);
            waiter = new FutexWaiter(thread, state.Value(waiter.Bits), state.Value(waiter.Address)) { IsWoken = state.Value(waiter.IsWoken) };
            int place = state.Value(_system.Futexes.PlaceOf(thread.FutexWaiter));
            if (state.IsRestoring)
            {
                thread.FutexWaiter = waiter;
                waiters.Add((waiter, place));
            }
        }

        if (state.IsRestoring)
        {
            _system.Futexes.Restore([.. waiters.Where(entry => !entry.Waiter.IsWoken).OrderBy(entry => entry.Place).Select(entry => entry.Waiter)]);
        }
    }
}
